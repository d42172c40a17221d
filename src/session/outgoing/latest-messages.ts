import type { DropReason } from '../../protocol/drop-reasons.ts'
import type { Followed } from '../../trails/trail.ts'
import { Message } from '../../protocol/message.ts'
import type { Terms } from '../../store/store.ts'

/** What became of what was put. */
export interface Displaced {
  /** Messages that gave way to a newer one of their topic. */
  readonly replaced: number
  /** Messages for which there was no room. */
  readonly refused: number
  /** What gave way, if it was followed. */
  readonly gone: Followed | undefined
}

/** A kept message, and how it is to be sent. */
export interface LatestMessage {
  readonly message: Message
  readonly terms: Terms
  readonly followed: Followed | undefined
}

/** QoS 0 for a client that is behind: only the newest message of each topic, up to a bound in bytes. */
export class LatestMessages {
  readonly #maxBytes: number
  readonly #byTopic = new Map<string, LatestMessage>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#byTopic.size
  }

  /** Takes the last message of a run (`Message.count`) in place of those of its topic before it. */
  put(run: Message, terms: Terms, followed: Followed | undefined): Displaced {
    const { topic, count } = run
    const last = lastOf(run)
    const before = this.#byTopic.get(topic)
    const growthBytes = last.packetBytes - (before?.message.packetBytes ?? 0)
    if (this.#bytes + growthBytes > this.#maxBytes) return { replaced: 0, refused: count, gone: undefined }
    // Deleted first, so that the topic stands behind those that were heard of before it.
    this.#byTopic.delete(topic)
    this.#byTopic.set(topic, { message: last, terms, followed })
    this.#bytes += growthBytes
    return { replaced: count - (before === undefined ? 1 : 0), refused: 0, gone: before?.followed }
  }

  /** Tells of all that it holds that the client does not get it. */
  tellAll(reason: DropReason): void {
    for (const { followed } of this.#byTopic.values()) followed?.tell('dropped', reason)
  }

  /** Takes the topic that has been silent for longest. */
  shift(): LatestMessage | undefined {
    for (const [topic, latest] of this.#byTopic) {
      this.#byTopic.delete(topic)
      this.#bytes -= latest.message.packetBytes
      return latest
    }
    return undefined
  }
}

function lastOf(run: Message): Message {
  if (run.count === 1) return run.keep()
  const single = new Message()
  for (let at = run.start; at < run.end;) at = single.takeFromRun(run, at)
  return single.keep()
}
