// Hot path: runs per PUBLISH at QoS 0; measured by `npm run bench`, rows "QoS 0".
import { Message } from '../protocol/message.ts'
import type { PublishPacket } from '../protocol/publish-packet.ts'
import type { TopicNumber } from '../router/router.ts'
import type { Session } from '../session/session.ts'

/**
 * Gathers PUBLISH packets at QoS 0 that lie behind each other in a chunk and have the same topic, as a busy publisher's do:
 * they are routed once, and copied once for each subscriber. Whoever begins a run finishes it before anything else of the
 * same connection is handled, so nothing is reordered. One serves the whole hub, since chunks are handled one at a time.
 */
export class PublishRun {
  readonly #run = new Message()
  #session: Session | undefined = undefined
  #topic: TopicNumber = 0
  /** Where the variable header of the first packet begins, with the length of the topic. */
  #headerStart = 0

  /** Begins with a packet that is plain (`PublishPacket.isPlain`). */
  begin(session: Session, topic: TopicNumber, bytes: Buffer, packet: PublishPacket): void {
    this.#run.setPacket(bytes, packet)
    this.#run.publisher = session.clientId
    this.#session = session
    this.#topic = topic
    this.#headerStart = packet.topicStart - 2
  }

  /** Adds the packet at `bytes[start, end)` with its variable header at `bodyStart`; false when it does not belong to the run. */
  extend(bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    const run = this.#run
    if (this.#session === undefined || run.end !== start || run.bytes !== bytes) return false
    const headerBytes = run.payloadStart - this.#headerStart
    if (bodyStart + headerBytes > end) return false
    for (let i = 0; i < headerBytes; i++) {
      if (bytes[bodyStart + i] !== bytes[this.#headerStart + i]) return false
    }
    run.end = end
    run.lastPayloadStart = bodyStart + headerBytes
    run.count++
    return true
  }

  /** Routes what was gathered. */
  finish(): void {
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    session.receiveRun(this.#run, this.#topic)
  }
}
