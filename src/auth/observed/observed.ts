import type { QoS } from '../../protocol/packet-types.ts'
import type { Identity, Role } from '../identity.ts'

/** What a client was seen to do. */
export type ObservedAction = 'publish' | 'subscribe'

/** That somebody published to a topic, or subscribed to a filter, and how often that was asked about. */
export interface Sighting {
  readonly user: string | undefined
  readonly clientId: string | undefined
  /** As they were when it was last seen. */
  readonly groups: readonly string[]
  readonly role: Role | undefined
  readonly host: string
  readonly listener: string
  readonly action: ObservedAction
  /** The topic name; of a subscription the filter, without `$share/…` and `$history/…`. */
  readonly topic: string
  /** The highest that was asked about. */
  readonly maxQos: QoS
  readonly isRetained: boolean
  /** It was allowed when it was last seen. */
  readonly isAllowed: boolean
  /** Once a session, or more often for a client with many topics, but at most once a minute: not once a message. */
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
}

/** What is asked when something is noted. */
export interface Asked {
  readonly action: ObservedAction
  readonly topic: string
  readonly qos: QoS
  readonly isRetained: boolean
  readonly isAllowed: boolean
}

export interface ObservedOptions {
  /** ms since 1970 by the wall clock. */
  readonly nowMs: () => number
  readonly maxRows?: number
  readonly maxRowsPerClient?: number
}

const AGAIN_AFTER_MS = 60_000
const MAX_ROWS = 100_000
/** Who does more than this is told apart by nobody; without it, one client could take the whole table. */
const MAX_ROWS_PER_CLIENT = 2000
const MAX_TOPIC_CHARACTERS = 1000
/** Characters of all keys together, which bounds the memory: some 64 MiB with all else. */
const MAX_CHARACTERS = 16 * 1024 * 1024

/**
 * What clients were seen to do: the evidence for `access test` and `access learn`. It is told where a decision is made for the first time,
 * which sees each topic of a session once, so that a message costs nothing. When it is full, what was seen longest ago is forgotten.
 */
export class Observed {
  readonly #options: ObservedOptions
  readonly #rows = new Map<string, Sighting>()
  readonly #countByClient = new Map<string, number>()
  #characters = 0
  #leftOut = 0
  #changes = 0

  constructor(options: ObservedOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#rows.size
  }

  /** Sightings that found no room: of clients that do too much, and of topics that are too long. */
  get leftOut(): number {
    return this.#leftOut
  }

  /** Grows with each sighting. */
  get changes(): number {
    return this.#changes
  }

  /** Those seen longest ago first. */
  rows(): Iterable<Sighting> {
    return this.#rows.values()
  }

  /** Notes that somebody asked to do something. Costs a few µs, and little when it was noted a moment ago. Never throws. */
  note(identity: Identity, { action, topic, qos, isRetained, isAllowed }: Asked): void {
    const now = this.#options.nowMs()
    const known = this.#rows.get(keyOf(clientKey(identity), action, topic))
    // A client with more topics than its session remembers comes here with each message.
    if (known !== undefined && now - known.lastAtMs < AGAIN_AFTER_MS && saysAll(known, qos, isRetained, isAllowed))
      return
    const { user, clientId, groups, role, host, listener } = identity
    const who = { user, clientId, groups, role, host, listener }
    this.add({ ...who, action, topic, maxQos: qos, isRetained, isAllowed, count: 1, firstAtMs: now, lastAtMs: now })
  }

  /** Adds what was seen before, by this hub or one before it. */
  add(row: Sighting): void {
    const client = clientKey(row)
    const key = keyOf(client, row.action, row.topic)
    const known = this.#rows.get(key)
    const ofClient = this.#countByClient.get(client) ?? 0
    const { maxRows = MAX_ROWS, maxRowsPerClient = MAX_ROWS_PER_CLIENT } = this.#options
    if (known === undefined && (ofClient >= maxRowsPerClient || row.topic.length > MAX_TOPIC_CHARACTERS)) {
      this.#leftOut++
      return
    }
    this.#changes++
    if (known === undefined) {
      this.#countByClient.set(client, ofClient + 1)
      this.#characters += key.length
      this.#rows.set(key, row)
    } else {
      // It goes to the end, where the newest are.
      this.#rows.delete(key)
      this.#rows.set(key, together(known, row))
    }
    while (this.#rows.size > maxRows || this.#characters > MAX_CHARACTERS) this.#forgetOldest()
  }

  #forgetOldest(): void {
    for (const [key, row] of this.#rows) {
      this.#rows.delete(key)
      this.#characters -= key.length
      const client = clientKey(row)
      const left = (this.#countByClient.get(client) ?? 1) - 1
      if (left === 0) this.#countByClient.delete(client)
      else this.#countByClient.set(client, left)
      return
    }
  }
}

function clientKey({ user, clientId }: Pick<Sighting, 'user' | 'clientId'>): string {
  return `${user === undefined ? '-' : `+${user}`}\0${clientId === undefined ? '-' : `+${clientId}`}`
}

function keyOf(client: string, action: ObservedAction, topic: string): string {
  return `${client}\0${action}\0${topic}`
}

function saysAll(known: Sighting, qos: QoS, isRetained: boolean, isAllowed: boolean): boolean {
  return known.maxQos >= qos && known.isAllowed === isAllowed && (known.isRetained || !isRetained)
}

function together(known: Sighting, row: Sighting): Sighting {
  return {
    ...row,
    maxQos: row.maxQos > known.maxQos ? row.maxQos : known.maxQos,
    isRetained: known.isRetained || row.isRetained,
    count: known.count + row.count,
    firstAtMs: Math.min(known.firstAtMs, row.firstAtMs),
    lastAtMs: Math.max(known.lastAtMs, row.lastAtMs),
  }
}
