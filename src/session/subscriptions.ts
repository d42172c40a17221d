import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { MemoryBudget } from '../base/memory-budget.ts'
import type { LimitName } from '../observe/ledger.ts'
import { REPLAYS_BYTES, subscriptionBytes } from './memory-costs.ts'
import { filterOfHistory, isHistoryFilter } from '../protocol/history-filter.ts'
import { isSharedFilter } from '../protocol/shared-filter.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import type { Router } from '../router/router.ts'
import type { SessionState } from '../store/store.ts'
import type { SubscriptionReport } from './client-report.ts'
import type { GroupMember, SharedGroup } from './shared/shared-group.ts'
import type { SharedGroups } from './shared/shared-groups.ts'

/** What the router knows a subscription by that is not shared. */
export function routedFilter(filter: string): string {
  return isHistoryFilter(filter) ? filterOfHistory(filter) : filter
}

/** What the subscriptions of a session are entered with. */
export interface SubscriptionsParts {
  readonly router: Router
  readonly groups: SharedGroups
  readonly memory: MemoryBudget
  readonly limits: { readonly maxSubscriptionsPerClient: number }
}

/** Whose subscriptions they are. */
export interface SubscriptionsOwner extends GroupMember {
  readonly state: SessionState
}

/** The subscriptions of one session, by their filter: in its state, with the router, and with the groups that are shared. */
export class Subscriptions {
  readonly #session: SubscriptionsOwner
  readonly #parts: SubscriptionsParts
  #byFilter = new Map<string, SubscriptionOptions>()
  /** Those to the history. */
  #pastFilters = 0
  #groups: Map<string, SharedGroup> | undefined = undefined

  constructor(session: SubscriptionsOwner, parts: SubscriptionsParts) {
    this.#session = session
    this.#parts = parts
  }

  get size(): number {
    return this.#byFilter.size
  }

  /** Those to shared subscriptions. */
  get sharedSize(): number {
    return this.#groups?.size ?? 0
  }

  has(filter: string): boolean {
    return this.#byFilter.has(filter)
  }

  filters(): Iterable<string> {
    return this.#byFilter.keys()
  }

  /** All of them, in the order in which they were made; there may be a million. */
  *report(): Generator<SubscriptionReport, void, undefined> {
    for (const [filter, options] of this.#byFilter) yield Object.assign({ filter }, options)
  }

  /** Takes up what the state was restored with. */
  restore(): void {
    for (const [filter, options] of this.#session.state.subscriptions()) this.#enter(filter, options)
  }

  /** Adds or replaces a subscription [MQTT-3.8.4-3], unless that would pass a limit, which is returned. */
  add(filter: string, options: SubscriptionOptions): LimitName | undefined {
    const limit = this.has(filter) ? undefined : this.#limitFor(filter)
    if (limit !== undefined) return limit
    this.#session.state.putSubscription(filter, options)
    this.#enter(filter, options)
    return undefined
  }

  #limitFor(filter: string): LimitName | undefined {
    const { limits, memory } = this.#parts
    if (this.size >= limits.maxSubscriptionsPerClient) return 'subscriptions'
    const bytes = subscriptionBytes(filter) + REPLAYS_BYTES
    if (memory.sessions.mayTake(bytes, bytes)) return undefined
    memory.sessions.refuse()
    return 'memory'
  }

  /** Returns whether there was such a subscription. */
  remove(filter: string): boolean {
    if (!this.#byFilter.delete(filter)) return false
    if (isHistoryFilter(filter)) this.#pastFilters--
    this.#session.state.removeSubscription(filter)
    this.#leave(filter)
    return true
  }

  /** The session ends, and its state with it: nothing is delivered to it any more. Takes as many turns as many subscriptions need. */
  clear(): void {
    const filters = this.#byFilter
    if (filters.size === 0) return
    this.#byFilter = new Map()
    this.#pastFilters = 0
    this.#parts.router.beginLeave(this.#session)
    const left = filters.keys()
    TURN.repeat(LoopPart.DISCONNECT, () => {
      const { done, value: filter } = left.next()
      if (done === true) this.#parts.router.endLeave(this.#session)
      else this.#leave(filter)
      return done !== true
    })
  }

  /** The session has room: what waits for its shared subscriptions can go on. */
  feed(): void {
    if (this.#groups === undefined || !this.#session.hasRoom) return
    for (const group of this.#groups.values()) group.feed(this.#session)
  }

  #enter(filter: string, options: SubscriptionOptions): void {
    if (isHistoryFilter(filter) && !this.has(filter)) this.#pastFilters++
    const bytes = subscriptionBytes(filter)
    if (!this.has(filter)) this.#parts.memory.sessions.take(bytes, bytes)
    this.#byFilter.set(filter, options)
    if (isSharedFilter(filter)) {
      this.#groups ??= new Map()
      const group = this.#parts.groups.join(this.#session, filter, options)
      this.#groups.set(filter, group)
      if (this.#session.hasRoom) group.feed(this.#session)
    } else {
      this.#parts.router.subscribe(this.#session, routedFilter(filter), options)
    }
  }

  #leave(filter: string): void {
    const bytes = subscriptionBytes(filter)
    this.#parts.memory.sessions.give(bytes, bytes)
    if (isSharedFilter(filter)) {
      this.#groups?.delete(filter)
      this.#parts.groups.leave(this.#session, filter)
      return
    }
    const { router } = this.#parts
    const routed = routedFilter(filter)
    if (this.#pastFilters === 0 && routed === filter) {
      router.unsubscribe(this.#session, routed)
      return
    }
    // `a/#` and `$history/5/a/#` are one subscription to the router.
    const others = [...this.#byFilter].filter(([other]) => !isSharedFilter(other) && routedFilter(other) === routed)
    const [last] = others.toReversed()
    if (last === undefined) router.unsubscribe(this.#session, routed)
    else router.subscribe(this.#session, routed, last[1])
  }
}
