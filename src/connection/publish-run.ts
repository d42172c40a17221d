// Hot path: runs per PUBLISH at QoS 0; measured by `npm run bench`, rows "QoS 0".
import { Message } from '../protocol/message.ts'
import type { PublishPacket } from '../protocol/publish-packet.ts'
import { isShortest } from '../protocol/varint.ts'
import type { Delivery } from '../router/delivery.ts'
import type { Router, TopicNumber } from '../router/router.ts'
import type { Session } from '../session/session.ts'

/**
 * Gathers PUBLISH packets at QoS 0 that lie behind each other in a chunk and go to the same receivers, as a busy publisher's do: they
 * are copied once for each subscriber. Those of one topic are a part, which is routed and counted once; when packets of another topic
 * go to the very same, theirs is the next part. Whoever begins a run finishes it before anything else of the same connection is
 * handled, so nothing is reordered. One serves the whole hub, since chunks are handled one at a time.
 */
export class PublishRun {
  readonly #router: Router
  /** The packets at the end that have one topic. */
  readonly #part = new Message()
  /** All of them, when they are of several topics. */
  readonly #mixed = new Message()
  #isMixed = false
  #session: Session | undefined = undefined
  /** Of the part. */
  #topic: TopicNumber = 0
  /** Who gets the run, once a part of it was counted. */
  #receivers: readonly Delivery[] | undefined = undefined
  #isPartCounted = false
  /** Where the variable header of the first packet of the part begins, with the length of the topic. */
  #headerStart = 0

  constructor(router: Router) {
    this.#router = router
  }

  /** Begins with a packet that is plain (`PublishPacket.isPlain`). */
  begin(session: Session, topic: TopicNumber, bytes: Buffer, packet: PublishPacket): void {
    this.#session = session
    this.#beginPart(session, topic, bytes, packet)
  }

  /** Adds the packet at `bytes[start, end)` with its variable header at `bodyStart`; false when it does not belong to the part. */
  extend(bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    const part = this.#part
    if (this.#session === undefined || part.end !== start || part.bytes !== bytes) return false
    const headerStart = this.#headerStart
    const headerBytes = part.payloadStart - headerStart
    if (bodyStart + headerBytes > end || !isShortest(bytes, start + 1, bodyStart)) return false
    // Names that are not the same differ near their ends, mostly.
    for (let i = headerBytes - 1; i >= 0; i--) if (bytes[bodyStart + i] !== bytes[headerStart + i]) return false
    part.end = end
    part.lastPayloadStart = bodyStart + headerBytes
    part.count++
    return true
  }

  /** To be called before the topic of another packet of the connection is resolved. Finishes a run that no other part may join. */
  endPart(): void {
    if (this.#session === undefined) return
    if (this.#receivers === undefined) {
      const { incoming } = this.#session
      const receivers = incoming.isGranted(this.#topic) ? this.#router.receiversOfRun(this.#topic) : undefined
      if (receivers === undefined) {
        this.finish()
        return
      }
      this.#receivers = receivers
    }
    this.#countPart()
  }

  /**
   * Adds the first packet of another part, which is plain and whose topic was resolved last. False when it does not belong to the
   * run: that is to be finished, if there is one.
   */
  join(topic: TopicNumber, bytes: Buffer, packet: PublishPacket): boolean {
    const session = this.#session
    const part = this.#part
    if (session === undefined || part.end !== packet.start || part.bytes !== bytes) return false
    if (this.#receivers === undefined || !session.incoming.isGranted(topic)) return false
    if (this.#router.receiversOfRun(topic) !== this.#receivers) return false
    const mixed = this.#mixed
    if (!this.#isMixed) {
      mixed.beginMixed(part)
      this.#isMixed = true
    }
    this.#beginPart(session, topic, bytes, packet)
    return true
  }

  /** Routes what was gathered. */
  finish(): void {
    const session = this.#session
    if (session === undefined) return
    this.#session = undefined
    const receivers = this.#receivers
    if (receivers === undefined) {
      session.incoming.receiveRun(this.#part, this.#topic)
      return
    }
    this.#receivers = undefined
    if (!this.#isPartCounted) this.#countPart()
    this.#isPartCounted = false
    const run = this.#isMixed ? this.#mixed : this.#part
    this.#isMixed = false
    session.incoming.took(run)
    this.#router.deliverCounted(run, receivers)
  }

  #beginPart(session: Session, topic: TopicNumber, bytes: Buffer, packet: PublishPacket): void {
    this.#part.setPacket(bytes, packet)
    this.#part.publisher = session.clientId
    this.#topic = topic
    this.#headerStart = packet.topicStart - 2
    this.#isPartCounted = false
  }

  #countPart(): void {
    this.#isPartCounted = true
    if (this.#isMixed) this.#mixed.extendMixed(this.#part)
    this.#router.countPart(this.#part, this.#topic)
  }
}
