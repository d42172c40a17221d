import { randomUUID } from 'node:crypto'
import type { Message } from '../protocol/message.ts'

const VALID_MS = 3_600_000
/** What was deleted and can be put back takes no more memory than this. */
const MAX_BYTES = 64 * 1024 ** 2

interface Deletion {
  readonly messages: readonly Message[]
  readonly bytes: number
  readonly timer: NodeJS.Timeout
}

/** Retained messages that were deleted, for an hour, so that they can be put back. When there are too many the oldest go. */
export class Undo {
  readonly #byToken = new Map<string, Deletion>()
  #bytes = 0

  /** Whether so much could be put back. */
  takes(bytes: number): boolean {
    return bytes <= MAX_BYTES
  }

  /** Returns a token, and until when it is valid in ms from now; undefined when it is too much to keep. */
  keep(messages: readonly Message[], bytes: number): { readonly token: string; readonly validMs: number } | undefined {
    if (!this.takes(bytes)) return undefined
    for (const oldest of this.#byToken.keys()) {
      if (this.#bytes + bytes <= MAX_BYTES) break
      this.take(oldest)
    }
    const token = randomUUID()
    const timer = setTimeout(() => this.take(token), VALID_MS).unref()
    this.#byToken.set(token, { messages, bytes, timer })
    this.#bytes += bytes
    return { token, validMs: VALID_MS }
  }

  /** What a token stands for, once. */
  take(token: string): readonly Message[] | undefined {
    const deletion = this.#byToken.get(token)
    if (deletion === undefined) return undefined
    clearTimeout(deletion.timer)
    this.#byToken.delete(token)
    this.#bytes -= deletion.bytes
    return deletion.messages
  }

  stop(): void {
    for (const token of this.#byToken.keys()) this.take(token)
  }
}
