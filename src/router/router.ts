// Hot path: `publish` runs once per PUBLISH; measured by `npm run bench`, all throughput rows.
import type { MemoryAccount } from '../base/memory-account.ts'
import { type MemoryBudget, unboundedMemory } from '../base/memory-budget.ts'
import { HubbubError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Trail } from '../trails/trail.ts'
import { Trails } from '../trails/trails.ts'
import { isBridgeState } from '../protocol/bridge-state.ts'
import { Message } from '../protocol/message.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import { describeInvalidTopicName, type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import type { Delivery, Subscriber } from './delivery.ts'
import { RetainedMessages, type RetainedLimits } from './retained.ts'
import { MatchSets } from './match-sets.ts'
import type { Store } from '../store/store.ts'
import { Spreads } from './spreads.ts'
import { SubscriptionTree } from './subscription-tree.ts'
import type { Tap } from './tap.ts'
import { RecordTag } from '../topics/record-tag.ts'
import type { TopicNumber } from '../topics/topic-records.ts'
import type { TableOwner } from '../topics/topic-table.ts'
import { Topics } from '../topics/topics.ts'

export type { TopicNumber } from '../topics/topic-records.ts'

/** What a router is built from. */
export interface RouterOptions {
  readonly topicLimits: TopicLimits
  readonly retainedLimits: RetainedLimits
  /** Where retained messages go as well, and come from at the start. */
  readonly store: Store
  readonly ledger: Ledger
  readonly clock: Clock
  /** Topics that are known; the most silent ones give way. */
  readonly maxTopics: number
  /** For their names and last payloads. */
  readonly maxTopicMemoryBytes: number
  /** What topics and retained messages may take; unbounded when left out. */
  readonly memory?: MemoryBudget
}

/** A message for more than these is handed over in later turns. */
const MANY_RECEIVERS = 1000
/** So is one that is more than this for all its receivers together: the system takes some ms for each of these MiB. */
const MANY_BYTES = 8 * 1024 ** 2
/** What a retained message takes besides its packet. */
const RETAINED_BYTES = 100
/** For a new topic of which no payload is known. */
const USUAL_PAYLOAD_BYTES = 64

/** Takes every message of the hub to its subscribers, the retained messages and the taps. */
export class Router implements TableOwner {
  readonly retained: RetainedMessages
  readonly topics: Topics
  readonly trails: Trails
  readonly spreads: Spreads
  readonly #clock: Clock
  readonly #retainedMemory: MemoryAccount
  readonly #queuesMemory: MemoryAccount
  readonly #topicLimits: TopicLimits
  readonly #store: Store
  readonly #ledger: Ledger
  readonly #subscriptions = new SubscriptionTree()
  readonly #matchSets: MatchSets
  /** Those who get nothing more, some of whose subscriptions are still in the tree. */
  readonly #leaving = new Set<Subscriber>()
  readonly #taps: Tap[] = []
  /** That of the topic of the message that a tap is offered; else of none. */
  readonly #tag: RecordTag
  /** Stands for each message of a run in turn, for those who do not take runs. */
  readonly #single = new Message()

  constructor(options: RouterOptions) {
    const { topicLimits, retainedLimits, clock, maxTopics, maxTopicMemoryBytes, memory = unboundedMemory() } = options
    const { maxTopicBytes, maxTopicLevels } = topicLimits
    this.#clock = clock
    this.topics = new Topics({ maxTopicBytes, maxTopicLevels, maxTopics, maxTopicMemoryBytes }, clock, memory.topics)
    this.topics.owner = this
    this.#tag = new RecordTag(this.topics.records)
    this.trails = new Trails(clock)
    this.spreads = new Spreads(this.#deliverAny.bind(this), options.ledger)
    this.retained = new RetainedMessages(retainedLimits)
    this.#retainedMemory = memory.retained
    this.#queuesMemory = memory.queues
    this.#topicLimits = topicLimits
    this.#store = options.store
    this.#ledger = options.ledger
    this.#matchSets = new MatchSets(this.topics.table, this.#subscriptions)
  }

  /**
   * The number of the topic name `bytes[start, end)`, or 0 if that is not valid: `explainInvalid` says why. It stands for the topic
   * until the next is resolved. A new topic has room for a payload of `payloadBytes`.
   */
  resolve(bytes: Buffer, start: number, end: number, payloadBytes = USUAL_PAYLOAD_BYTES): TopicNumber {
    return this.topics.resolve(bytes, start, end, payloadBytes)
  }

  /** Where only the hub speaks: what clients publish there goes nowhere [MQTT-3.1.1 §4.7.2]. */
  isReserved(topic: TopicNumber): boolean {
    return this.topics.table.isReserved(topic)
  }

  /** A topic gives way to others; only for the table of topics. */
  forget(topic: TopicNumber): void {
    if (this.#tag.topic === topic) this.#tag.topic = 0
    this.#matchSets.forget(topic)
    this.trails.forget(topic)
  }

  /** Says for the log what is wrong with a topic name that `resolve` refused. */
  explainInvalid(bytes: Buffer, start: number, end: number): string {
    return describeInvalidTopicName(bytes, start, end, this.#topicLimits)
  }

  /**
   * Hands a message to all who subscribed to its topic, which must have been resolved last, and returns how many they are. A
   * deliver may change subscriptions and publish; the change holds from the next message on. When they are very many they get it in
   * later turns (`spreads`).
   */
  publish(message: Message, topic: TopicNumber): number {
    const isReserved = this.isReserved(topic)
    if (message.retain) this.#retain(message, isReserved)
    const deliveries = this.#deliveriesTo(topic)
    const trail = isReserved ? undefined : this.#observe(message, topic)
    const { forgotten } = this.topics.table
    const matched =
      isForMany(message, deliveries) || this.spreads.isBefore(message)
        ? this.spreads.add(message, deliveries, trail)
        : this.#deliverToAll(message, deliveries, trail)
    if (trail !== undefined) this.trails.routed(trail, matched)
    if (isReserved) return matched
    const tag = this.#tag
    for (const tap of this.#taps) {
      // For each: the one before may have published.
      tag.topic = this.#ifKnown(topic, forgotten)
      tap.offer(message, tag)
    }
    tag.topic = 0
    return matched
  }

  #deliverToAll(message: Message, deliveries: readonly Delivery[], trail: Trail | undefined): number {
    let matched = deliveries.length
    this.#ledger.matched += matched
    for (const delivery of deliveries) {
      const { subscriber } = delivery
      if (!delivery.isNoLocal || subscriber.clientId !== message.publisher) {
        subscriber.deliver(message, delivery, trail)
      } else if (delivery.own === undefined) {
        matched--
        this.#ledger.matched--
      } else {
        subscriber.deliver(message, delivery.own, trail)
      }
    }
    return matched
  }

  /** Whom a message to this topic would go to: nobody when it is no valid topic name. The list never changes. */
  subscribersOf(topic: string): readonly Delivery[] {
    if (topicNameFault(topic, this.#topicLimits) !== undefined) return []
    return this.#withoutLeaving(this.#subscriptions.match(topic))
  }

  /** The limit that keeps the message from being retained, as an option of `limits`; undefined also for one that is not to be. */
  retainedLimitFor(message: Message): keyof RetainedLimits | 'memory' | undefined {
    if (!message.retain) return undefined
    return this.retained.limitFor(message) ?? (this.#isRetainedShort(message) ? 'memory' : undefined)
  }

  /** There is no memory for one more retained message. */
  #isRetainedShort(message: Message): boolean {
    if (message.payloadBytes === 0) return false
    const bytes = message.packetBytes + RETAINED_BYTES
    // It waits to be stored, too.
    if (this.#retainedMemory.mayTake(bytes, 0) && this.#queuesMemory.mayTake(2 * bytes, 0)) return false
    const before = this.retained.get(message.topic)
    if (before !== undefined && message.packetBytes <= before.packetBytes) return false
    this.#retainedMemory.refuse()
    return true
  }

  #countRetained(): void {
    this.#retainedMemory.set(this.retained.heldBytes, 0)
  }

  /** Whether the message has to be stored, for somebody or as a retained one. */
  isKept(message: Message, topic: TopicNumber): boolean {
    if (message.retain) return true
    for (const { subscriber, qos } of this.#deliveriesTo(topic)) {
      if (subscriber.isKept === true && qos > 0 && message.qos > 0) return true
    }
    return false
  }

  /**
   * Hands over a run (`Message.count`), which is never retained: whole to those who take runs, else message by message.
   * Returns how many subscribers it is for.
   */
  publishRun(run: Message, topic: TopicNumber): number {
    const deliveries = this.#deliveriesTo(topic)
    const trail = this.#observe(run, topic)
    const { forgotten } = this.topics.table
    const matched =
      isForMany(run, deliveries) || this.spreads.isBefore(run)
        ? this.spreads.add(run, deliveries, trail)
        : this.#deliverRunToAll(run, deliveries, trail)
    if (trail !== undefined) this.trails.routed(trail, matched)
    this.#offerRun(run, topic, forgotten)
    return matched
  }

  /** `forgotten`: how many topics were when the run was routed. */
  #offerRun(run: Message, topic: TopicNumber, forgotten: number): void {
    const tag = this.#tag
    for (const tap of this.#taps) {
      // For each: the one before may have published.
      tag.topic = this.#ifKnown(topic, forgotten)
      tap.offerRun(run, tag)
    }
    tag.topic = 0
  }

  /**
   * Who gets messages of a topic, if these may go out together with messages of other topics that the same get (the same list):
   * `countPart` then takes the place of `publishRun` for each topic, and `deliverCounted` hands over all at once.
   */
  receiversOfRun(topic: TopicNumber): readonly Delivery[] | undefined {
    if (this.isReserved(topic) || !this.spreads.isIdle || this.trails.wouldFollow(topic)) return undefined
    const deliveries = this.#deliveriesTo(topic)
    return deliveries.length > MANY_RECEIVERS ? undefined : deliveries
  }

  /** Counts a run for its topic, and offers it to the taps. */
  countPart(run: Message, topic: TopicNumber): void {
    const { forgotten } = this.topics.table
    this.topics.note(run, topic)
    this.#offerRun(run, topic, forgotten)
  }

  /** Hands over a run that was counted topic by topic. */
  deliverCounted(run: Message, receivers: readonly Delivery[]): void {
    this.#deliverRunToAll(run, receivers, undefined)
  }

  /** Counts the message for its topic. Returns the trail that it is followed by, if it is. */
  #observe(message: Message, topic: TopicNumber): Trail | undefined {
    this.topics.note(message, topic)
    const trail = this.trails.begin(message, topic)
    if (trail !== undefined) this.topics.records.addFollowed(topic, message.count)
    return trail
  }

  /** The number of a topic, or 0 if others published meanwhile and it may have given way. */
  #ifKnown(topic: TopicNumber, forgotten: number): TopicNumber {
    return forgotten === this.topics.table.forgotten ? topic : 0
  }

  #deliverRunToAll(run: Message, deliveries: readonly Delivery[], trail: Trail | undefined): number {
    let matched = deliveries.length
    for (const delivery of deliveries) {
      const { subscriber } = delivery
      const isOwn = delivery.isNoLocal && subscriber.clientId === run.publisher
      const effective = isOwn ? delivery.own : delivery
      if (effective === undefined) matched--
      else this.#deliverRun(run, effective, trail)
    }
    this.#ledger.matched += matched * run.count
    return matched
  }

  #deliveriesTo(topic: TopicNumber): readonly Delivery[] {
    const deliveries = this.#matchSets.match(topic)
    return this.#leaving.size === 0 ? deliveries : this.#withoutLeaving(deliveries)
  }

  #withoutLeaving(deliveries: readonly Delivery[]): readonly Delivery[] {
    const staying: Delivery[] = []
    for (const delivery of deliveries) if (!this.#leaving.has(delivery.subscriber)) staying.push(delivery)
    return staying.length === deliveries.length ? deliveries : staying
  }

  #deliverAny(message: Message, delivery: Delivery, trail: Trail | undefined): void {
    if (message.count > 1) this.#deliverRun(message, delivery, trail)
    else delivery.subscriber.deliver(message, delivery, trail)
  }

  #deliverRun(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    const { subscriber } = delivery
    if (subscriber.deliverRun !== undefined) {
      subscriber.deliverRun(run, delivery, trail)
      return
    }
    for (let at = run.start; at < run.end;) {
      at = this.#single.takeFromRun(run, at)
      subscriber.deliver(this.#single, delivery, trail)
    }
  }

  /** Publishes a message that did not come in a packet: a will, or one of the hub's own. Throws if its topic is not valid. */
  publishMessage(message: Message): number {
    this.#clock.turn()
    const bytes = Buffer.from(message.topic)
    const topic = this.resolve(bytes, 0, bytes.length, message.payloadBytes)
    if (topic === 0) {
      throw new HubbubError('TOPIC_NAME_INVALID', `Cannot publish: ${this.explainInvalid(bytes, 0, bytes.length)}`)
    }
    // A will may not speak for the hub, as no other message of a client may (`Session.receive`), but for a bridge itself.
    if (this.isReserved(topic) && message.publisher !== undefined && !isBridgeState(message)) {
      this.#ledger.refused++
      return 0
    }
    const matched = this.publish(message, topic)
    this.topics.settle()
    return matched
  }

  /** Adds or replaces a subscription to a valid filter [MQTT-3.8.4-3]. Returns whether it is new. Sends no retained messages. */
  subscribe(subscriber: Subscriber, filter: string, options: SubscriptionOptions): boolean {
    const isNew = this.#subscriptions.add(subscriber, filter, options)
    this.#matchSets.invalidate(filter)
    return isNew
  }

  /** Returns whether there was such a subscription. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    const isRemoved = this.#subscriptions.remove(subscriber, filter)
    if (isRemoved) this.#matchSets.invalidate(filter)
    return isRemoved
  }

  /** Nothing goes to the subscriber any more, whose subscriptions are removed one after the other until `endLeave`. */
  beginLeave(subscriber: Subscriber): void {
    this.#leaving.add(subscriber)
  }

  endLeave(subscriber: Subscriber): void {
    this.#leaving.delete(subscriber)
  }

  /** From now on the tap is offered every message. Stopping it is its owner's matter. */
  addTap(tap: Tap): void {
    this.#taps.push(tap)
  }

  /** Takes up the retained messages of the store. */
  restore(): void {
    for (const message of this.#store.retained()) this.retained.restore(message)
    this.#countRetained()
  }

  /** Takes away retained messages that have expired, at most so many. Returns whether there may be more. */
  expireRetained(nowMs: number, maxMessages: number): boolean {
    for (let i = 0; i < maxMessages; i++) {
      const topic = this.retained.removeExpired(nowMs)
      if (topic === undefined) return false
      this.#countRetained()
      this.#store.removeRetained(topic)
    }
    return true
  }

  #retain(message: Message, isReserved: boolean): void {
    // What the hub says of itself is true for as long as it runs.
    if (isReserved) {
      if (!this.retained.putOwn(message)) this.#ledger.notRetained++
      return
    }
    const { retained } = this
    const before = retained.count
    if (this.#isRetainedShort(message) || retained.put(message) !== undefined) {
      this.#ledger.notRetained++
      return
    }
    this.#countRetained()
    if (message.payloadBytes > 0) this.#store.putRetained(message.keepRetainedBriefly())
    else if (retained.count < before) this.#store.removeRetained(message.topic)
  }
}

/** There is too much to hand over for one turn. */
function isForMany({ packetBytes }: Message, { length }: readonly Delivery[]): boolean {
  return length > MANY_RECEIVERS || length * packetBytes > MANY_BYTES
}
