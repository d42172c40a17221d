// Hot path: `resolve` and `match` run once per PUBLISH; measured by `npm run bench`, rows "QoS 0".
import { filterMatches, hasWildcard, type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import { isUtf8String } from '../protocol/utf8.ts'
import type { Delivery } from './delivery.ts'
import type { SubscriptionTree } from './subscription-tree.ts'
import type { TopicRecord } from '../topics/topic-record.ts'

/** Topics made to collide cost no more than this many comparisons; by chance so many do not meet. */
const MAX_CHAIN_ROUTES = 8
/** All routes together: 16 MB. Without it, 50,000 topics with 10,000 subscribers each would be cached. */
const MAX_CACHED_DELIVERIES = 2_000_000
/** To compare a topic with this many filters costs about as much as to match it anew. */
const MAX_REMEMBERED_FILTERS = 16

const RESERVED_LEVELS: ReadonlySet<string> = new Set(['$SYS', '$hub', '$history'])

/** A valid topic name, and whom its messages went to last. The fields but `topic` are for `Routes` only. */
export class Route {
  readonly topic: string
  /** Where only the hub speaks: what clients publish there goes nowhere [MQTT-3.1.1 §4.7.2]. */
  readonly isReserved: boolean
  readonly topicBytes: number
  /** The bytes of the topic, four to a word. */
  readonly words: Int32Array
  readonly hash: number
  next: Route | undefined
  deliveries: readonly Delivery[] | undefined = undefined
  /** What is counted of the topic. */
  record: TopicRecord | undefined = undefined
  /** The number of changes to filters with wildcards that `deliveries` has taken account of. */
  seenChanges = 0
  isEvicted = false

  constructor(topic: string, topicBytes: number, words: Int32Array, hash: number, next: Route | undefined) {
    this.topic = topic
    this.isReserved = isReservedTopic(topic)
    this.topicBytes = topicBytes
    this.words = words
    this.hash = hash
    this.next = next
  }
}

/**
 * Topics that were published to lately, found by the bytes in the packet, so that a PUBLISH needs neither a string nor a walk
 * of the subscriptions. Bounded: the oldest route gives way. A route that gave way still serves who holds it, uncached.
 *
 * A change to a filter without wildcards touches one route, which is looked up. One with wildcards can touch all 50,000, which
 * would hold the loop for 30 ms; so it is remembered, and each route compares itself with the changes since its last use.
 */
export class Routes {
  readonly #subscriptions: SubscriptionTree
  readonly #limits: TopicLimits
  readonly #maxRoutes: number
  /** Chains of routes by the low bits of their hash, the youngest first. */
  readonly #chains: (Route | undefined)[]
  /** All routes in the order they came, the next to give way at `#oldest` once there are `#maxRoutes`. */
  readonly #ring: Route[] = []
  #oldest = 0
  /** The levels of the filters with wildcards that changed last; change number n stands at n modulo the length. */
  readonly #changedFilters: (readonly string[])[] = []
  #changes = 0
  #cachedDeliveries = 0

  constructor(subscriptions: SubscriptionTree, limits: TopicLimits, maxRoutes: number) {
    this.#subscriptions = subscriptions
    this.#limits = limits
    this.#maxRoutes = maxRoutes
    this.#chains = Array.from({ length: 2 ** Math.ceil(Math.log2(maxRoutes)) })
  }

  /** The route of the topic name `bytes[start, end)`, or undefined if that is not a valid one. */
  resolve(bytes: Buffer, start: number, end: number): Route | undefined {
    const hash = hashTopic(bytes, start, end)
    return this.#find(hash, bytes, start, end) ?? this.#add(hash, bytes, start, end)
  }

  /** Whom a message on this route goes to now. The list never changes; later subscriptions make another. */
  match(route: Route): readonly Delivery[] {
    const cached = route.deliveries
    if (cached !== undefined && (route.seenChanges === this.#changes || this.#isUntouched(route))) return cached
    const deliveries = this.#subscriptions.match(route.topic)
    if (route.isEvicted) return deliveries
    this.#forget(route)
    if (this.#cachedDeliveries + deliveries.length > MAX_CACHED_DELIVERIES) this.#forgetAll()
    this.#cachedDeliveries += deliveries.length
    route.deliveries = deliveries
    route.seenChanges = this.#changes
    return deliveries
  }

  /** To be told when the subscriptions of a filter have changed: the routes that it matches are then matched anew. */
  invalidate(filter: string): void {
    if (hasWildcard(filter)) {
      this.#changedFilters[this.#changes % MAX_REMEMBERED_FILTERS] = filter.split('/')
      this.#changes++
      return
    }
    const bytes = Buffer.from(filter)
    const route = this.#find(hashTopic(bytes, 0, bytes.length), bytes, 0, bytes.length)
    if (route !== undefined) this.#forget(route)
  }

  /** Tells whether no filter that changed since the route was last used matches it. */
  #isUntouched(route: Route): boolean {
    if (this.#changes - route.seenChanges > MAX_REMEMBERED_FILTERS) return false
    const levels = route.topic.split('/')
    for (let change = route.seenChanges; change < this.#changes; change++) {
      const filter = this.#changedFilters[change % MAX_REMEMBERED_FILTERS]
      if (filter !== undefined && filterMatches(filter, levels)) return false
    }
    route.seenChanges = this.#changes
    return true
  }

  #find(hash: number, bytes: Buffer, start: number, end: number): Route | undefined {
    let route = this.#chains[hash & (this.#chains.length - 1)]
    while (route !== undefined && !isRouteOf(route, hash, bytes, start, end)) route = route.next
    return route
  }

  #add(hash: number, bytes: Buffer, start: number, end: number): Route | undefined {
    if (!isUtf8String(bytes, start, end)) return undefined
    const topic = bytes.toString('utf8', start, end)
    if (topicNameFault(topic, this.#limits) !== undefined) return undefined
    const slot = hash & (this.#chains.length - 1)
    this.#shortenChain(slot)
    const route = new Route(topic, end - start, wordsOf(bytes, start, end), hash, this.#chains[slot])
    this.#chains[slot] = route
    if (this.#ring.length < this.#maxRoutes) {
      this.#ring.push(route)
    } else {
      const oldest = this.#ring[this.#oldest]
      if (oldest !== undefined) this.#evict(oldest)
      this.#ring[this.#oldest] = route
      this.#oldest = (this.#oldest + 1) % this.#maxRoutes
    }
    return route
  }

  /** Makes room for one more route in a chain. */
  #shortenChain(slot: number): void {
    let last = this.#chains[slot]
    let routes = last === undefined ? 0 : 1
    for (; last?.next !== undefined; last = last.next) routes++
    if (last !== undefined && routes >= MAX_CHAIN_ROUTES) this.#evict(last)
  }

  #evict(route: Route): void {
    route.isEvicted = true
    this.#forget(route)
    const slot = route.hash & (this.#chains.length - 1)
    let before = this.#chains[slot]
    if (before === route) this.#chains[slot] = route.next
    while (before !== undefined && before.next !== route) before = before.next
    if (before !== undefined) before.next = route.next
  }

  #forget(route: Route): void {
    if (route.deliveries === undefined) return
    this.#cachedDeliveries -= route.deliveries.length
    route.deliveries = undefined
  }

  #forgetAll(): void {
    for (const route of this.#ring) route.deliveries = undefined
    this.#cachedDeliveries = 0
  }
}

/** Tells whether a topic is the hub's own: its state, its receipts, and what stands for its history in subscriptions. */
export function isReservedTopic(topic: string): boolean {
  return topic.startsWith('$') && RESERVED_LEVELS.has(topic.split('/', 1)[0] ?? '')
}

/** A signed integer of 32 bits, which the engine keeps out of the heap. Four bytes a step: `resolve` takes 35 ns, with FNV-1a 60. */
export function hashTopic(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at += 4) {
    const product = Math.imul(hash ^ wordAt(bytes, at, end), 0x9e3779b1)
    hash = product ^ (product >>> 15)
  }
  return hash
}

/** Four bytes as one integer; past `end` they count as 0. */
function wordAt(bytes: Uint8Array, at: number, end: number): number {
  let word = bytes[at] ?? 0
  if (at + 3 < end) {
    return word | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  }
  if (at + 1 < end) word |= (bytes[at + 1] ?? 0) << 8
  if (at + 2 < end) word |= (bytes[at + 2] ?? 0) << 16
  return word
}

function wordsOf(bytes: Uint8Array, start: number, end: number): Int32Array {
  const words = new Int32Array(Math.ceil((end - start) / 4))
  for (let i = 0; i < words.length; i++) words[i] = wordAt(bytes, start + i * 4, end)
  return words
}

function isRouteOf(route: Route, hash: number, bytes: Buffer, start: number, end: number): boolean {
  if (route.hash !== hash || route.topicBytes !== end - start) return false
  const { words } = route
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== wordAt(bytes, start + i * 4, end)) return false
  }
  return true
}
