// Hot path: `match` runs once per PUBLISH; measured by `npm run bench`, rows with topics at random.
import { hasWildcard } from '../protocol/topic.ts'
import { LevelFilter } from '../topics/level-filter.ts'
import { HOT_FIELDS, MATCH_SET, SEEN_CHANGES, type TopicNumber } from '../topics/topic-records.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import type { Delivery } from './delivery.ts'
import type { Subscribers, SubscriptionTree } from './subscription-tree.ts'

/** All lists together: 16 MB. Without it there could be 50,000 with 10,000 subscribers each. */
const MAX_DELIVERIES = 2_000_000
/** To compare a topic with this many filters costs about as much as to match it anew. */
const REMEMBERED_FILTERS = 16
/** Changes are counted in 32 bits: before a count comes again, all that has seen it is forgotten. */
const CHANGES_IN_A_ROUND = 2 ** 30

/** Not matched yet, or not any more. */
const UNMATCHED = 0
const NOBODY = 1
const DOLLAR = 0x24

/** Whom the messages of topics go to that fall under the same filters: one list for all of them. */
class MatchSet {
  /** Undefined: it is not kept, and the topics are matched anew. */
  deliveries: readonly Delivery[] | undefined
  /** Of the subscribers of each filter, by which it is found. */
  readonly versions: readonly number[]
  readonly hash: number
  /** The next set with the same hash. */
  next: number
  /** That it belongs to. */
  topics = 0

  constructor(deliveries: readonly Delivery[] | undefined, versions: readonly number[], hash: number, next: number) {
    this.deliveries = deliveries
    this.versions = versions
    this.hash = hash
    this.next = next
  }
}

/**
 * Whom the messages of each topic went to last, so that a PUBLISH needs no walk of the subscriptions. A million topics that one `#`
 * matches have one list.
 *
 * A change to a filter without wildcards touches one topic, which is looked up. One with wildcards can touch them all, which would
 * hold the loop for long; so it is remembered, and each topic compares itself with the changes since its last message. What is
 * matched anew mostly finds a list that is there.
 *
 * Lists that have the subscribers of a filter are let go when these change, so that nobody who has gone stays in memory for a topic
 * that gets no further message.
 */
export class MatchSets {
  readonly #table: TopicTable
  readonly #subscriptions: SubscriptionTree
  readonly #maxDeliveries: number
  /** By number, which the records of topics have. */
  readonly #sets: (MatchSet | undefined)[] = [new MatchSet(undefined, [], 0, 0), new MatchSet([], [], 0, 0)]
  readonly #free: number[] = []
  /** The first set by hash. */
  readonly #byHash = new Map<number, number>()
  /** The sets by each of their versions. Most subscribers are in a single one, which then costs no Set. */
  readonly #byVersion = new Map<number, number | Set<number>>()
  /** The filters with wildcards that changed last; change number n stands at n modulo the length. */
  readonly #changedFilters: LevelFilter[] = []
  #changes = 0
  #deliveries = 0
  /** The set that is the next to be looked at when there are too many deliveries. */
  #hand = NOBODY + 1

  constructor(table: TopicTable, subscriptions: SubscriptionTree, maxDeliveries = MAX_DELIVERIES) {
    this.#table = table
    this.#subscriptions = subscriptions
    this.#maxDeliveries = maxDeliveries
  }

  /** Sets that topics have, but that of nobody. */
  get size(): number {
    return this.#sets.length - this.#free.length - 2
  }

  /** The lists that are kept. */
  *lists(): Iterable<readonly Delivery[]> {
    for (const set of this.#sets) if (set?.deliveries !== undefined) yield set.deliveries
  }

  /** Whom a message with this topic goes to now. The list never changes; later subscriptions make another. */
  match(number: TopicNumber): readonly Delivery[] {
    const { hot } = this.#table.records
    const record = number * HOT_FIELDS
    const deliveries = this.#sets[hot[record + MATCH_SET] ?? 0]?.deliveries
    if (deliveries === undefined) return this.#matchAnew(number)
    const behind = (this.#changes - (hot[record + SEEN_CHANGES] ?? 0)) | 0
    if (behind === 0 || this.#isUntouched(number, behind)) return deliveries
    return this.#matchAnew(number)
  }

  /** To be told of each change to the subscriptions of a filter, at once: the topics that it matches are then matched anew. */
  invalidate(filter: string): void {
    this.#letGoOf(this.#subscriptions.replacedVersion)
    if (!hasWildcard(filter)) {
      const number = this.#table.find(filter)
      if (number !== 0) this.forget(number)
      return
    }
    this.#changedFilters[this.#changes & (REMEMBERED_FILTERS - 1)] = new LevelFilter(filter)
    this.#changes = (this.#changes + 1) | 0
    if (this.#changes % CHANGES_IN_A_ROUND === 0) this.#forgetAll()
  }

  /** The topic has to be matched anew, or is forgotten itself. */
  forget(number: TopicNumber): void {
    this.#assign(number, UNMATCHED)
  }

  /** Tells whether no filter that changed since the topic's last message matches it. */
  #isUntouched(number: TopicNumber, behind: number): boolean {
    if (behind > REMEMBERED_FILTERS || behind < 0) return false
    const { log, records } = this.#table
    const start = log.nameStart(number)
    const end = start + log.nameBytes(number)
    for (let change = this.#changes - behind; change !== this.#changes; change++) {
      const filter = this.#changedFilters[change & (REMEMBERED_FILTERS - 1)]
      if (filter !== undefined && filter.matches(log.bytes, start, end)) return false
    }
    records.hot[number * HOT_FIELDS + SEEN_CHANGES] = this.#changes
    return true
  }

  #matchAnew(number: TopicNumber): readonly Delivery[] {
    const { log, records } = this.#table
    const subscriptions = this.#subscriptions
    const found = subscriptions.needsNames
      ? subscriptions.find(log.name(number))
      : subscriptions.findRest(log.bytes[log.nameStart(number)] === DOLLAR)
    const set = found.length === 0 ? NOBODY : this.#setOf(found)
    this.#assign(number, set)
    records.hot[number * HOT_FIELDS + SEEN_CHANGES] = this.#changes
    return this.#sets[set]?.deliveries ?? []
  }

  /** The set of those who were found, which is made if there is none. */
  #setOf(found: readonly Subscribers[]): number {
    const hash = this.#hash(found)
    let number = this.#byHash.get(hash) ?? 0
    let set = this.#sets[number]
    while (set !== undefined && number !== 0 && !this.#isSetOf(set, found)) {
      number = set.next
      set = this.#sets[number]
    }
    if (set === undefined || number === 0) {
      number = this.#free.pop() ?? this.#sets.length
      set = this.#add(number, found, hash)
    }
    if (set.deliveries === undefined) {
      const deliveries = this.#subscriptions.deliveriesTo(found)
      if (this.#deliveries + deliveries.length > this.#maxDeliveries) this.#makeRoom(deliveries.length)
      this.#deliveries += deliveries.length
      set.deliveries = deliveries
    }
    return number
  }

  #add(number: number, found: readonly Subscribers[], hash: number): MatchSet {
    const versions: number[] = []
    for (const subscribers of found) {
      const version = this.#subscriptions.versionOf(subscribers)
      versions.push(version)
      const others = this.#byVersion.get(version)
      if (others === undefined) this.#byVersion.set(version, number)
      else if (typeof others === 'number') this.#byVersion.set(version, new Set([others, number]))
      else others.add(number)
    }
    const set = new MatchSet(undefined, versions, hash, this.#byHash.get(hash) ?? 0)
    this.#byHash.set(hash, number)
    this.#sets[number] = set
    return set
  }

  #hash(found: readonly Subscribers[]): number {
    let hash = 0
    for (const subscribers of found) {
      const product = Math.imul(hash ^ this.#subscriptions.versionOf(subscribers), 0x9e3779b1)
      hash = product ^ (product >>> 15)
    }
    return hash
  }

  #isSetOf({ versions }: MatchSet, found: readonly Subscribers[]): boolean {
    if (versions.length !== found.length) return false
    for (let i = 0; i < versions.length; i++) if (versions[i] !== found[i]?.version) return false
    return true
  }

  /** The topic has this set from now on; one that no topic has any more is gone. */
  #assign(number: TopicNumber, set: number): void {
    const { hot } = this.#table.records
    const record = number * HOT_FIELDS
    const before = hot[record + MATCH_SET] ?? 0
    if (before === set) return
    hot[record + MATCH_SET] = set
    if (set > NOBODY) this.#count(set, 1)
    if (before <= NOBODY || this.#count(before, -1) > 0) return
    this.#remove(before)
  }

  #count(number: number, topics: number): number {
    const set = this.#sets[number]
    return set === undefined ? 0 : (set.topics += topics)
  }

  /** Lets go of the lists with the subscribers that had this version. */
  #letGoOf(version: number): void {
    const sets = this.#byVersion.get(version)
    if (sets === undefined) return
    this.#byVersion.delete(version)
    if (typeof sets === 'number') this.#empty(sets)
    else for (const number of sets) this.#empty(number)
  }

  /** Lets go of a list. The set stays until the last topic that has its number has been matched anew. */
  #empty(number: number): void {
    const set = this.#sets[number]
    if (set?.deliveries === undefined) return
    this.#deliveries -= set.deliveries.length
    set.deliveries = undefined
  }

  /** The number of a set that no topic has may be used again. */
  #remove(number: number): void {
    const set = this.#sets[number]
    if (set === undefined) return
    this.#empty(number)
    for (const version of set.versions) {
      const others = this.#byVersion.get(version)
      if (others === number) this.#byVersion.delete(version)
      else if (others instanceof Set) others.delete(number)
    }
    this.#unlink(number, set)
    this.#sets[number] = undefined
    this.#free.push(number)
  }

  #unlink(number: number, { hash, next }: MatchSet): void {
    let before = this.#byHash.get(hash) ?? 0
    if (before === number) {
      if (next === 0) this.#byHash.delete(hash)
      else this.#byHash.set(hash, next)
      return
    }
    for (let other = this.#sets[before]; other !== undefined && other.next !== number; other = this.#sets[before]) {
      before = other.next
    }
    const other = this.#sets[before]
    if (other !== undefined) other.next = next
  }

  /** Lets go of the lists that were made first, until there is room for so many deliveries more. */
  #makeRoom(deliveries: number): void {
    while (this.#deliveries > 0 && this.#deliveries + deliveries > this.#maxDeliveries) {
      if (this.#hand >= this.#sets.length) this.#hand = NOBODY + 1
      this.#empty(this.#hand++)
    }
  }

  #forgetAll(): void {
    const { end } = this.#table.records
    for (let number = 1; number < end; number++) this.forget(number)
  }
}
