import { matchedFilter } from '../../protocol/shared-filter.ts'
import { plainOptions, type SubscriptionOptions } from '../../protocol/subscription-options.ts'
import { TransientSession } from '../../store/memory/memory-session.ts'
import type { SessionState } from '../../store/store.ts'
import type { Session } from '../session.ts'
import type { SessionParts } from '../session-parts.ts'
import { SharedGroup } from './shared-group.ts'

/** What shared subscriptions are built from. */
export type GroupParts = Omit<SessionParts, 'groups'>

/** The shared subscriptions of a hub, by their whole filter. */
export class SharedGroups {
  readonly #parts: GroupParts
  readonly #groups = new Map<string, SharedGroup>()
  /** Groups whose queue is in the store. */
  readonly #stored = new Set<SharedGroup>()

  constructor(parts: GroupParts) {
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

  join(session: Session, filter: string, options: SubscriptionOptions): SharedGroup {
    const group = this.#groups.get(filter) ?? this.#open(filter, new TransientSession(filter, true))
    if (session.isKept && !this.#stored.has(group)) {
      group.moveTo(this.#parts.store.addGroup(filter))
      this.#stored.add(group)
    }
    group.join(session, options)
    return group
  }

  leave(session: Session, filter: string): void {
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
  }
}
