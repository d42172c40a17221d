import type { MishapKind } from './mishap-kinds.ts'
import { Takeovers } from './takeovers.ts'

export interface Mishap {
  /** By the hub's clock, in ms since 1970. */
  readonly atMs: number
  readonly kind: MishapKind
  /** `192.0.2.1:50000`; `HUB_ITSELF` when it is nobody's connection. */
  readonly address: string
  readonly clientId: string | undefined
  readonly reason: string
}

const KEPT = 50

/** In place of an address. */
export const HUB_ITSELF = 'the hub itself'

/** The last connections that ended for a fault of theirs, and what the machine did to the hub, the newest last. Older ones are forgotten: the log has them. */
export class Mishaps {
  readonly #nowMs: () => number
  readonly takeovers = new Takeovers()
  readonly #last: Mishap[] = []

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get last(): readonly Mishap[] {
    return this.#last
  }

  note(kind: MishapKind, address: string, reason: string, clientId?: string): void {
    this.#last.push({ atMs: this.#nowMs(), kind, address, clientId, reason })
    if (this.#last.length > KEPT) this.#last.shift()
  }
}
