import type { Message } from '../protocol/message.ts'

/**
 * Somebody who sees every message the router takes, but those of the hub's own topics (`$SYS/…`).
 *
 *   1. `offer` and `offerRun` return without waiting and never throw; they run per message.
 *   2. The payload is a view of a buffer that changes after the call returns: copy what you keep.
 *   3. After `stop`, no timer or socket is left open.
 */
export interface Tap {
  offer(message: Message): void
  /** Takes a run of QoS 0 messages at once (`Message.count`). */
  offerRun(run: Message): void
  stop(deadlineMs: number): Promise<void>
}
