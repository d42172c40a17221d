// Hot path: `publish` runs once per PUBLISH; measured by `npm run bench`, all throughput rows.
import { HubbubError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Trail } from '../trails/trail.ts'
import { Trails } from '../trails/trails.ts'
import { Message } from '../protocol/message.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import { describeInvalidTopicName, type TopicLimits } from '../protocol/topic.ts'
import type { Delivery, Subscriber } from './delivery.ts'
import { RetainedMessages, type RetainedLimits } from './retained.ts'
import { type Route, Routes } from './routes.ts'
import type { Store } from '../store/store.ts'
import { SubscriptionTree } from './subscription-tree.ts'
import type { Tap } from './tap.ts'
import { Topics } from '../topics/topics.ts'

export type { Route } from './routes.ts'

/** What a router is built from. */
export interface RouterOptions {
  readonly topicLimits: TopicLimits
  readonly retainedLimits: RetainedLimits
  /** Where retained messages go as well, and come from at the start. */
  readonly store: Store
  readonly ledger: Ledger
  readonly clock: Clock
  /** Topics that are counted; the most silent ones give way. */
  readonly maxTopics: number
  /** Topics whose subscribers are remembered; default 50,000. */
  readonly maxCachedRoutes?: number
}

const DEFAULT_MAX_CACHED_ROUTES = 50_000

/** Takes every message of the hub to its subscribers, the retained messages and the taps. */
export class Router {
  readonly retained: RetainedMessages
  readonly topics: Topics
  readonly trails: Trails
  readonly #clock: Clock
  readonly #topicLimits: TopicLimits
  readonly #store: Store
  readonly #ledger: Ledger
  readonly #subscriptions = new SubscriptionTree()
  readonly #routes: Routes
  readonly #taps: Tap[] = []
  /** Stands for each message of a run in turn, for those who do not take runs. */
  readonly #single = new Message()

  constructor(options: RouterOptions) {
    const { topicLimits, retainedLimits, clock, maxCachedRoutes = DEFAULT_MAX_CACHED_ROUTES } = options
    this.#clock = clock
    this.topics = new Topics(clock, options.maxTopics)
    this.trails = new Trails(clock)
    this.retained = new RetainedMessages(retainedLimits)
    this.#topicLimits = topicLimits
    this.#store = options.store
    this.#ledger = options.ledger
    this.#routes = new Routes(this.#subscriptions, topicLimits, maxCachedRoutes)
  }

  /** The route of the topic name `bytes[start, end)`, or undefined if that is not valid: `explainInvalid` says why. */
  resolve(bytes: Buffer, start: number, end: number): Route | undefined {
    return this.#routes.resolve(bytes, start, end)
  }

  /** Says for the log what is wrong with a topic name that `resolve` refused. */
  explainInvalid(bytes: Buffer, start: number, end: number): string {
    return describeInvalidTopicName(bytes, start, end, this.#topicLimits)
  }

  /**
   * Hands a message to all who subscribed to its topic, whose route must be the given one, and returns how many they are. A
   * deliver may change subscriptions; the change holds from the next message on.
   */
  publish(message: Message, route: Route): number {
    if (message.retain) this.#retain(message, route)
    const trail = this.#observe(message, route)
    const deliveries = this.#routes.match(route)
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
    if (trail !== undefined) this.trails.routed(trail, matched)
    if (route.isReserved) return matched
    for (const tap of this.#taps) tap.offer(message)
    return matched
  }

  /** Whom a message to this topic would go to: nobody when it is no valid topic name. The list never changes. */
  subscribersOf(topic: string): readonly Delivery[] {
    const bytes = Buffer.from(topic)
    const route = this.resolve(bytes, 0, bytes.length)
    return route === undefined ? [] : this.#routes.match(route)
  }

  /** Whether the message would be retained if there were room for it, and there is none. */
  isRetainedFull(message: Message): boolean {
    return message.retain && this.retained.limitFor(message) !== undefined
  }

  /** Whether the message has to be stored, for somebody or as a retained one. */
  isKept(message: Message, route: Route): boolean {
    if (message.retain) return true
    for (const { subscriber, qos } of this.#routes.match(route)) {
      if (subscriber.isKept === true && qos > 0 && message.qos > 0) return true
    }
    return false
  }

  /**
   * Hands over a run (`Message.count`), which is never retained: whole to those who take runs, else message by message.
   * Returns how many subscribers it is for.
   */
  publishRun(run: Message, route: Route): number {
    const trail = this.#observe(run, route)
    const deliveries = this.#routes.match(route)
    let matched = deliveries.length
    for (const delivery of deliveries) {
      const { subscriber } = delivery
      const isOwn = delivery.isNoLocal && subscriber.clientId === run.publisher
      const effective = isOwn ? delivery.own : delivery
      if (effective === undefined) matched--
      else this.#deliverRun(run, effective, trail)
    }
    if (trail !== undefined) this.trails.routed(trail, matched)
    this.#ledger.matched += matched * run.count
    for (const tap of this.#taps) tap.offerRun(run)
    return matched
  }

  /** Counts the message for its topic, unless that is the hub's own. Returns the trail that it is followed by, if it is. */
  #observe(message: Message, route: Route): Trail | undefined {
    return route.isReserved ? undefined : this.trails.begin(message, this.topics.note(message, route).followed)
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
    const route = this.resolve(bytes, 0, bytes.length)
    if (route === undefined) {
      throw new HubbubError('TOPIC_NAME_INVALID', `Cannot publish: ${this.explainInvalid(bytes, 0, bytes.length)}`)
    }
    // A will may not speak for the hub, as no other message of a client may (`Session.receive`).
    if (route.isReserved && message.publisher !== undefined) {
      this.#ledger.refused++
      return 0
    }
    const matched = this.publish(message, route)
    this.topics.settle()
    return matched
  }

  /** Adds or replaces a subscription to a valid filter [MQTT-3.8.4-3]. Returns whether it is new. Sends no retained messages. */
  subscribe(subscriber: Subscriber, filter: string, options: SubscriptionOptions): boolean {
    const isNew = this.#subscriptions.add(subscriber, filter, options)
    this.#routes.invalidate(filter)
    return isNew
  }

  /** Returns whether there was such a subscription. */
  unsubscribe(subscriber: Subscriber, filter: string): boolean {
    const isRemoved = this.#subscriptions.remove(subscriber, filter)
    if (isRemoved) this.#routes.invalidate(filter)
    return isRemoved
  }

  /** From now on the tap is offered every message. Stopping it is its owner's matter. */
  addTap(tap: Tap): void {
    this.#taps.push(tap)
  }

  /** Takes up the retained messages of the store. */
  restore(): void {
    for (const message of this.#store.retained()) this.retained.restore(message)
  }

  /** Takes away the retained message of a topic if it has expired. */
  expireRetained(topic: string, nowMs: number): void {
    const message = this.retained.get(topic)
    if (message === undefined || message.expiresAtMs > nowMs) return
    this.retained.remove(topic)
    this.#store.removeRetained(topic)
  }

  #retain(message: Message, route: Route): void {
    // What the hub says of itself is true for as long as it runs.
    if (route.isReserved) {
      this.retained.putOwn(message)
      return
    }
    const { topic } = message
    const before = this.retained.get(topic)
    const limit = this.retained.put(message)
    if (limit !== undefined) {
      this.#ledger.notRetained++
      return
    }
    const kept = this.retained.get(topic)
    if (kept !== undefined) this.#store.putRetained(kept)
    else if (before !== undefined) this.#store.removeRetained(topic)
  }
}
