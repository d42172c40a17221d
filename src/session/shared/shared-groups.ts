import { matchedFilter } from '../../protocol/shared-filter.ts'
import { plainOptions, type SubscriptionOptions } from '../../protocol/subscription-options.ts'
import { endState, TransientSession } from '../../store/memory/memory-session.ts'
import type { Router } from '../../router/router.ts'
import type { SessionState, Store } from '../../store/store.ts'
import { type GroupMember, type GroupParts, SharedGroup } from './shared-group.ts'

/** What the shared subscriptions of a hub are built from. */
export interface GroupsParts extends GroupParts {
  readonly router: Router
  readonly store: Store
}

/** The shared subscriptions of a hub, by their whole filter. */
export class SharedGroups {
  readonly #parts: GroupsParts
  readonly #groups = new Map<string, SharedGroup>()
  /** Groups whose queue is in the store. */
  readonly #stored = new Set<SharedGroup>()

  constructor(parts: GroupsParts) {
    this.#parts = parts
  }

  all(): Iterable<SharedGroup> {
    return this.#groups.values()
  }

  pendingMessages(): number {
    let pending = 0
    for (const { state } of this.#groups.values()) pending += state.queuedMessages
    return pending
  }

  /** Takes up the queue of a group whose members follow. */
  restore(state: SessionState): void {
    this.#stored.add(this.#open(state.clientId, state))
    this.#parts.ledger.matched += state.queuedMessages
  }

  /** Ends the groups that no member was restored for. */
  endAbandoned(): void {
    for (const group of this.#groups.values()) this.#endIfEmpty(group)
  }

  join(session: GroupMember, filter: string, options: SubscriptionOptions): SharedGroup {
    const group =
      this.#groups.get(filter) ?? this.#open(filter, new TransientSession(filter, true, this.#parts.memory.queues))
    if (session.isKept && !this.#stored.has(group)) {
      group.moveTo(this.#parts.store.addGroup(filter))
      this.#stored.add(group)
    }
    group.join(session, options)
    return group
  }

  leave(session: GroupMember, filter: string): void {
    const group = this.#groups.get(filter)
    if (group === undefined) return
    group.leave(session)
    this.#endIfEmpty(group)
  }

  #open(filter: string, state: SessionState): SharedGroup {
    const group = new SharedGroup(filter, state, this.#parts)
    this.#groups.set(filter, group)
    // The members' own QoS is applied to each message when one of them gets it.
    this.#parts.router.subscribe(group, matchedFilter(filter), plainOptions(2))
    return group
  }

  #endIfEmpty(group: SharedGroup): void {
    if (!group.isEmpty) return
    this.#groups.delete(group.filter)
    this.#parts.router.unsubscribe(group, matchedFilter(group.filter))
    group.end()
    if (this.#stored.delete(group)) this.#parts.store.removeSession(group.state)
    else endState(group.state)
  }
}
