import { hasWildcard } from '../protocol/topic.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import { Delivery, type Subscriber } from './delivery.ts'
import { LevelNode } from '../topics/level-node.ts'

/**
 * The subscribers of one filter. Most filters have a single one, which then costs no Map. `version` is a number that they alone
 * have: once one comes or goes, they have another. It is 0 until it is asked for.
 */
export type Subscribers = Delivery | SubscriberMap

class SubscriberMap extends Map<Subscriber, Delivery> {
  version = 0
}

const NOBODY: readonly Delivery[] = []

/**
 * Who subscribed to what. Filters without wildcards stand in a Map, so that a hundred thousand clients with a topic each cost
 * no tree; only filters with wildcards are walked. Filters and topics given to it must be valid.
 */
export class SubscriptionTree {
  /** That of the subscribers of the filter that changed last, as it was before; 0 if nobody had asked for it. */
  replacedVersion = 0
  readonly #exact = new Map<string, Subscribers>()
  readonly #wildcards = LevelNode.createRoot<Subscribers>()
  readonly #found: Subscribers[] = []
  #lastVersion = 0

  get isEmpty(): boolean {
    return this.#exact.size === 0 && !this.#wildcards.hasChildren
  }

  /** Adds a subscription or replaces the one with the same filter [MQTT-3.8.4-3]. Returns whether it is new. */
  add(subscriber: Subscriber, filter: string, options: SubscriptionOptions): boolean {
    const delivery = Delivery.of(subscriber, options)
    if (!hasWildcard(filter)) {
      const before = this.#exact.get(filter)
      const isNew = !contains(before, subscriber)
      this.replacedVersion = before?.version ?? 0
      this.#exact.set(filter, withDelivery(before, delivery))
      return isNew
    }
    const node = this.#wildcards.grow(filter.split('/'))
    const isNew = !contains(node.value, subscriber)
    this.replacedVersion = node.value?.version ?? 0
    node.value = withDelivery(node.value, delivery)
    return isNew
  }

  /** Returns whether there was such a subscription. The filter must be spelled as it was when added [MQTT-3.10.4-1]. */
  remove(subscriber: Subscriber, filter: string): boolean {
    // They would stay in memory until the next `find`.
    this.#found.length = 0
    if (!hasWildcard(filter)) {
      const before = this.#exact.get(filter)
      if (before === undefined || !contains(before, subscriber)) return false
      this.replacedVersion = before.version
      const after = withoutSubscriber(before, subscriber)
      if (after === undefined) this.#exact.delete(filter)
      else this.#exact.set(filter, after)
      return true
    }
    const node = this.#wildcards.find(filter.split('/'))
    if (node?.value === undefined || !contains(node.value, subscriber)) return false
    this.replacedVersion = node.value.version
    node.value = withoutSubscriber(node.value, subscriber)
    node.prune()
    return true
  }

  /** Whom a message with this topic goes to: see `deliveriesTo`. */
  match(topic: string): readonly Delivery[] {
    return this.deliveriesTo(this.find(topic))
  }

  /** Whether filters other than `#` are there: else `findRest` knows as much as `find`, without a name. */
  get needsNames(): boolean {
    return this.#exact.size > 0 || !this.#wildcards.hasOnly('#')
  }

  /** The subscribers of each filter that the topic falls under. The array is the same for each call. */
  find(topic: string): readonly Subscribers[] {
    const found = this.#found
    found.length = 0
    const exact = this.#exact.get(topic)
    if (exact !== undefined) found.push(exact)
    if (this.#wildcards.hasChildren) collect(this.#wildcards, topic.split('/'), 0, found)
    return found
  }

  /** The subscribers of `#`, as `find` has them. [MQTT-4.7.2-1] It never reaches topics that begin with "$". */
  findRest(isDollar: boolean): readonly Subscribers[] {
    const found = this.#found
    found.length = 0
    const rest = isDollar ? undefined : this.#wildcards.child('#')?.value
    if (rest !== undefined) found.push(rest)
    return found
  }

  versionOf(subscribers: Subscribers): number {
    if (subscribers.version === 0) subscribers.version = ++this.#lastVersion
    return subscribers.version
  }

  /**
   * What was found, as a list that never changes afterwards: each subscriber once, as all its subscriptions that match want it
   * [MQTT-3.3.5-1]. Those of one filter stand in the order in which they subscribed.
   */
  deliveriesTo(found: readonly Subscribers[]): readonly Delivery[] {
    const [first, ...others] = found
    if (first === undefined) return NOBODY
    if (others.length > 0) return mergedByEach(found)
    return first instanceof Map ? Array.from(first.values()) : [first]
  }
}

/** Collects the subscribers of the filters below `node` that match `levels` from `depth` on. */
function collect(node: LevelNode<Subscribers>, levels: readonly string[], depth: number, found: Subscribers[]): void {
  const level = levels[depth]
  // [MQTT-4.7.2-1] a leading wildcard never reaches topics that begin with "$".
  const mayBeWildcard = depth > 0 || level?.startsWith('$') !== true
  // '#' reaches the level above it too [MQTT-3.1.1 §4.7.1.2], so it is looked for even when the levels are used up.
  const rest = mayBeWildcard ? node.child('#')?.value : undefined
  if (rest !== undefined) found.push(rest)
  if (level === undefined) {
    if (node.value !== undefined) found.push(node.value)
    return
  }
  const exact = node.child(level)
  if (exact !== undefined) collect(exact, levels, depth + 1, found)
  const any = mayBeWildcard ? node.child('+') : undefined
  if (any !== undefined) collect(any, levels, depth + 1, found)
}

function mergedByEach(found: readonly Subscribers[]): Delivery[] {
  const merged = new Map<Subscriber, Delivery>()
  for (const subscribers of found) {
    for (const delivery of listed(subscribers)) {
      const other = merged.get(delivery.subscriber)
      merged.set(delivery.subscriber, other === undefined ? delivery : other.with(delivery))
    }
  }
  return Array.from(merged.values())
}

function listed(subscribers: Subscribers): Iterable<Delivery> {
  return subscribers instanceof Map ? subscribers.values() : [subscribers]
}

function contains(subscribers: Subscribers | undefined, subscriber: Subscriber): boolean {
  if (subscribers instanceof Map) return subscribers.has(subscriber)
  return subscribers?.subscriber === subscriber
}

function withDelivery(subscribers: Subscribers | undefined, delivery: Delivery): Subscribers {
  if (subscribers === undefined || (!(subscribers instanceof Map) && subscribers.subscriber === delivery.subscriber)) {
    return delivery
  }
  const all = subscribers instanceof Map ? subscribers : new SubscriberMap([[subscribers.subscriber, subscribers]])
  all.version = 0
  return all.set(delivery.subscriber, delivery)
}

function withoutSubscriber(subscribers: Subscribers, subscriber: Subscriber): Subscribers | undefined {
  if (!(subscribers instanceof Map)) return undefined
  subscribers.delete(subscriber)
  subscribers.version = 0
  return subscribers.size === 0 ? undefined : subscribers
}
