// Hot path: `begin` runs per message or run; measured by `npm run bench`, all throughput rows.
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { Clock } from '../base/clock.ts'
import { type Outcome, Trail, type TrailOwner } from './trail.ts'

/** Of all messages in a second. A step of a trail takes about 0.2 µs, so 100 receivers of each are 1 % of a core. */
const FOLLOWED_PER_SECOND = 500
/** Of one topic in a second: a quiet one is followed whole, whatever a busy one does. */
const FOLLOWED_PER_TOPIC_AND_SECOND = 5
/** Of those whose publishers ask for receipts, in a second. */
const RECEIPTS_PER_SECOND = 1000
/** Trails kept of one topic. */
const TRAILS_PER_TOPIC = 16
/** Trails kept in all, the oldest give way. */
const MAX_TRAILS = 10_000

/** The last messages of one topic that were followed. */
class TopicTrails {
  readonly topic: number
  readonly trails: Trail[] = []
  followedInSecond = 0
  /** The second that `followedInSecond` is for. */
  second = 0

  constructor(topic: number) {
    this.topic = topic
  }
}

const NO_TRAILS: readonly Trail[] = []

/** Whoever wants to know at once what becomes of messages. */
export interface TrailListener {
  /** A message was delivered or acknowledged. */
  delivered(qos: QoS, afterMs: number): void
  /** Something became of a message whose publisher asked for receipts. */
  receiptChanged(trail: Trail): void
}

/**
 * Follows messages from the router to what each receiver does with them, so that "why did it not arrive?" has an answer and
 * publishers have their receipts. Not every message: of a busy topic some a second, and those whose publisher asked for it. Topics
 * are told apart by the number that each has as long as it is not forgotten.
 */
export class Trails implements TrailOwner {
  /** Told from `start` on; set once. */
  listener: TrailListener | undefined = undefined
  readonly #clock: Clock
  readonly #topics = new Map<number, TopicTrails>()
  readonly #kept: { trail: Trail; of: TopicTrails }[] = []
  #oldest = 0
  #leftInSecond = FOLLOWED_PER_SECOND
  #receiptsLeftInSecond = RECEIPTS_PER_SECOND
  /** When the second ends that those are for. */
  #nextSecondMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Follows the message, unless there were too many in this second already. */
  begin(message: Message, topic: number): Trail | undefined {
    const isAsked = message.receipt !== undefined
    // In most of a busy second nothing else is looked at.
    if (this.#leftInSecond === 0 && this.#clock.turnMs < this.#nextSecondMs && !isAsked) return undefined
    return this.#begin(message, topic, isAsked)
  }

  /** Whether a message of the topic would be followed that comes next and asks for no receipt. */
  wouldFollow(topic: number): boolean {
    if (this.#clock.turnMs >= this.#nextSecondMs) return true
    if (this.#leftInSecond === 0) return false
    const of = this.#topics.get(topic)
    return of?.second !== this.#nextSecondMs || of.followedInSecond < FOLLOWED_PER_TOPIC_AND_SECOND
  }

  /** The last messages of a topic that were followed, the oldest first. */
  of(topic: number): readonly Trail[] {
    return this.#topics.get(topic)?.trails ?? NO_TRAILS
  }

  /** The number is that of the topic no more. */
  forget(topic: number): void {
    this.#topics.delete(topic)
  }

  /** Nothing will become of the message: who asked for receipts is told so. */
  refuse(message: Message, refusal: string): void {
    if (message.receipt === undefined) return
    const trail = new Trail(message, this.#clock.nowMs(), this)
    trail.refusal = refusal
    this.listener?.receiptChanged(trail)
  }

  /** The access rules do not let the message be published: `explain` tells that of its topic, and its publisher's receipt does. */
  deny(message: Message, topic: number, refusal: string): void {
    const trail = this.begin(message, topic)
    if (trail === undefined) return
    trail.refusal = refusal
    this.routed(trail, 0)
  }

  #begin(message: Message, topic: number, isAsked: boolean): Trail | undefined {
    const { turnMs } = this.#clock
    if (turnMs >= this.#nextSecondMs) {
      this.#nextSecondMs = turnMs + 1000
      this.#leftInSecond = FOLLOWED_PER_SECOND
      this.#receiptsLeftInSecond = RECEIPTS_PER_SECOND
    }
    const of = this.#topics.get(topic) ?? new TopicTrails(topic)
    if (of.second !== this.#nextSecondMs) {
      of.second = this.#nextSecondMs
      of.followedInSecond = 0
    }
    if (isAsked) {
      if (this.#receiptsLeftInSecond === 0) {
        this.refuse(message, `more than ${RECEIPTS_PER_SECOND} messages in this second asked for receipts`)
        return undefined
      }
      this.#receiptsLeftInSecond--
    } else {
      if (this.#leftInSecond === 0 || of.followedInSecond >= FOLLOWED_PER_TOPIC_AND_SECOND) return undefined
      this.#leftInSecond--
    }
    of.followedInSecond++
    const trail = new Trail(message, this.#clock.nowMs(), this)
    this.#keep(trail, of)
    return trail
  }

  /** The message was handed to all of its `matched` receivers. */
  routed(trail: Trail, matched: number): void {
    trail.matched = matched
    if (trail.receipt !== undefined) this.listener?.receiptChanged(trail)
  }

  afterMs(trail: Trail): number {
    return this.#clock.nowMs() - trail.atMs
  }

  told(trail: Trail, outcome: Outcome, qos: QoS, afterMs: number): void {
    const { listener } = this
    if (listener === undefined) return
    if (outcome === 'delivered' || outcome === 'acknowledged') listener.delivered(qos, afterMs)
    if (trail.receipt !== undefined) listener.receiptChanged(trail)
  }

  #keep(trail: Trail, of: TopicTrails): void {
    this.#topics.set(of.topic, of)
    if (of.trails.push(trail) > TRAILS_PER_TOPIC) of.trails.shift()
    const gone = this.#kept[this.#oldest]
    if (gone !== undefined && gone.of.trails[0] === gone.trail) this.#forgetOldest(gone.of)
    this.#kept[this.#oldest] = { trail, of }
    this.#oldest = (this.#oldest + 1) % MAX_TRAILS
  }

  #forgetOldest(of: TopicTrails): void {
    of.trails.shift()
    if (of.trails.length === 0 && this.#topics.get(of.topic) === of) this.#topics.delete(of.topic)
  }
}
