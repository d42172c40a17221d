import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { HUB_ITSELF, type Mishaps } from '../observe/mishaps.ts'
import type { Denial } from './client-report.ts'
import type { SessionConnection } from './session-connection.ts'

/** Whose denials they are. */
export interface DenialsOwner {
  readonly clientId: string
  readonly connection: SessionConnection | undefined
}

/** What denials are told with. */
export interface DenialsParts {
  readonly clock: Clock
  readonly log: Log
  readonly mishaps: Mishaps
}

/** Rules that are told of one session: a client that tries all topics would fill the log. */
const MAX_TOLD = 16

/** What the access rules keep one client from. A publisher of MQTT 3.1.1 is never told, so the hub tells people: of each rule once. */
export class Denials {
  readonly #owner: DenialsOwner
  readonly #parts: DenialsParts
  readonly #told = new Set<string>()
  last: Denial | undefined = undefined

  constructor(owner: DenialsOwner, parts: DenialsParts) {
    this.#owner = owner
    this.#parts = parts
  }

  note(action: Denial['action'], topic: string, reason: string): void {
    const { clock, log, mishaps } = this.#parts
    this.last = { atMs: clock.nowMs(), action, topic, reason }
    const told = `${action} ${reason}`
    if (this.#told.has(told) || this.#told.size === MAX_TOLD) return
    this.#told.add(told)
    const { clientId, connection } = this.#owner
    log.warn({ clientId, action, topic, reason }, 'the access rules kept something from a client')
    const address = connection?.report().address ?? HUB_ITSELF
    mishaps.note('not-allowed', address, `${action} ${JSON.stringify(topic)}: ${reason}`, clientId)
  }
}
