import type { Message } from '../protocol/message.ts'

/** What a tap notes of a topic, so as not to have to look for it by its name. */
export interface TopicTag {
  /** A whole number of 32 bits. 0 until it is set, and again once the hub has forgotten the topic. */
  value: number
}

/**
 * Somebody who sees every message the router takes, but those of the hub's own topics (`$SYS/…`).
 *
 *   1. `offer` and `offerRun` return without waiting and never throw; they run per message.
 *   2. The payload is a view of a buffer that changes after the call returns: copy what you keep.
 *   3. `tag` is that of the message's topic until the call returns, or the tap itself publishes: from then on it may be that of no
 *      topic, which remembers nothing. There is one for each topic: for one tap to use.
 *   4. After `stop`, no timer or socket is left open.
 */
export interface Tap {
  offer(message: Message, tag: TopicTag): void
  /** Takes a run of QoS 0 messages at once (`Message.count`). */
  offerRun(run: Message, tag: TopicTag): void
  stop(deadlineMs: number): Promise<void>
}
