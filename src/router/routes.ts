// Hot path: `resolve` runs once per PUBLISH; measured by `npm run bench`, rows "QoS 0".
import { type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import { isUtf8String } from '../protocol/utf8.ts'
import type { Delivery, SubscriptionTree } from './subscription-tree.ts'
import { TopicNameTree } from './topic-names.ts'

/** Topics made to collide cost no more than this many comparisons; by chance so many do not meet. */
const MAX_CHAIN_ROUTES = 8
/** All routes together: 16 MB. Without it, 50,000 topics with 10,000 subscribers each would be cached. */
const MAX_CACHED_DELIVERIES = 2_000_000

/** A valid topic name, and whom its messages go to as long as that is known. */
export class Route {
  readonly topic: string
  /** Only for `Routes`, as are the fields below it. */
  readonly bytes: Uint8Array
  readonly hash: number
  next: Route | undefined
  deliveries: readonly Delivery[] | undefined = undefined
  isEvicted = false

  constructor(topic: string, bytes: Uint8Array, hash: number, next: Route | undefined) {
    this.topic = topic
    this.bytes = bytes
    this.hash = hash
    this.next = next
  }
}

/**
 * Topics that were published to lately, found by the bytes in the packet, so that a PUBLISH needs neither a string nor a walk
 * of the subscriptions. Bounded: the oldest route gives way. A route that gave way still serves who holds it, uncached.
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
  /** The routes whose deliveries are cached, by topic: a filter that changes finds here what it touches. */
  #matched = new TopicNameTree<Route>()
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
    let route = this.#chains[hash & (this.#chains.length - 1)]
    while (route !== undefined && !isRouteOf(route, hash, bytes, start, end)) route = route.next
    return route ?? this.#add(hash, bytes, start, end)
  }

  /** Whom a message on this route goes to now. The list never changes; later subscriptions make another. */
  match(route: Route): readonly Delivery[] {
    if (route.deliveries !== undefined) return route.deliveries
    const deliveries = this.#subscriptions.match(route.topic)
    if (route.isEvicted) return deliveries
    if (this.#cachedDeliveries + deliveries.length > MAX_CACHED_DELIVERIES) this.#forgetAll()
    route.deliveries = deliveries
    this.#cachedDeliveries += deliveries.length
    this.#matched.set(route.topic, route)
    return deliveries
  }

  /** The subscriptions of a filter have changed: forgets whom messages go to on the routes that it matches, and no others. */
  invalidate(filter: string): void {
    for (const route of this.#matched.matching(filter)) {
      if (route !== undefined) this.#forget(route)
    }
  }

  #add(hash: number, bytes: Buffer, start: number, end: number): Route | undefined {
    if (!isUtf8String(bytes, start, end)) return undefined
    const topic = bytes.toString('utf8', start, end)
    if (topicNameFault(topic, this.#limits) !== undefined) return undefined
    const slot = hash & (this.#chains.length - 1)
    this.#shortenChain(slot)
    const own = new Uint8Array(end - start)
    own.set(bytes.subarray(start, end))
    const route = new Route(topic, own, hash, this.#chains[slot])
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
    if (route.isEvicted) return
    route.isEvicted = true
    this.#forget(route)
    const slot = route.hash & (this.#chains.length - 1)
    let before = this.#chains[slot]
    if (before === route) this.#chains[slot] = route.next
    while (before !== undefined && before.next !== route) before = before.next
    if (before !== undefined) before.next = route.next
    route.next = undefined
  }

  #forget(route: Route): void {
    if (route.deliveries === undefined) return
    this.#cachedDeliveries -= route.deliveries.length
    route.deliveries = undefined
    this.#matched.delete(route.topic)
  }

  #forgetAll(): void {
    for (const route of this.#ring) route.deliveries = undefined
    this.#matched = new TopicNameTree()
    this.#cachedDeliveries = 0
  }
}

/** FNV-1a as a signed integer of 32 bits, which the engine keeps out of the heap. */
export function hashTopic(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return hash
}

function isRouteOf(route: Route, hash: number, bytes: Buffer, start: number, end: number): boolean {
  const own = route.bytes
  if (route.hash !== hash || own.length !== end - start) return false
  for (let at = 0; at < own.length; at++) {
    if (own[at] !== bytes[start + at]) return false
  }
  return true
}
