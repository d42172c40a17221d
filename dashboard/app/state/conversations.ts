import { batch, computed, type Signal, signal } from '@preact/signals'
import type { FeedReceiver, OverviewJson, PresenceJson, TopicJson } from './feed.ts'
import { apiUrl, ask } from './api.ts'
import { place } from './place.ts'
import { matches } from './topic-filter.ts'

export type ConversationKind = 'room' | 'device' | 'channel'
export type PresenceState = 'here' | 'away' | 'gone'

/** A line of the list. What changes often is in signals, so that only its text changes. */
export interface Conversation {
  /** `room/lobby`, `device/lamp-1`, `channel/devices/+/alarm`. */
  readonly id: string
  readonly kind: ConversationKind
  readonly name: string
  /** What an open conversation subscribes to. */
  readonly filter: string
  readonly last: Signal<TopicJson | undefined>
  readonly unread: Signal<number>
  readonly rate: Signal<number>
  /** The device's own word, by its retained availability; undefined when it never said. */
  readonly isAvailable: Signal<boolean | undefined>
  readonly topics: Map<string, TopicJson>
}

const SAVED = 'hubbub.saved'
const PINNED = 'hubbub.pinned'
/** Topics of a device that are not messages to be read. */
const UNCOUNTED = /^devices\/[^/]+\/(?:telemetry|state|status|about)(?:\/|$)/

const all = new Map<string, Conversation>()
const list = signal<readonly Conversation[]>([])
export const pinnedIds = signal<ReadonlySet<string>>(new Set(stored(PINNED)))
/** The hub's own word on sessions, by client id. */
export const presence = signal<ReadonlyMap<string, PresenceState>>(new Map())
export const overview = signal<OverviewJson | undefined>(undefined)
/** The last two minutes of `overview`, one a second. */
export const overviews = signal<readonly OverviewJson[]>([])
/** Topics that anybody but the hub published to. */
export const topicCount = signal(0)
const seenTopics = new Set<string>()

const ORDER: Readonly<Record<ConversationKind, number>> = { room: 0, device: 1, channel: 2 }
const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

/** Pinned first, then rooms, devices and channels, each by name. */
export const conversations = computed(() => {
  const pinned = pinnedIds.value
  return list.value.toSorted(
    (one, other) =>
      Number(pinned.has(other.id)) - Number(pinned.has(one.id)) ||
      ORDER[one.kind] - ORDER[other.kind] ||
      byName.compare(one.name, other.name),
  )
})

/** The open one; what an address names exists, even if nobody has spoken there. */
export const openConversation = computed(() => {
  const { value } = place
  return value.kind === 'conversation' ? (list.value.find(({ id }) => id === value.id) ?? find(value.id)) : undefined
})

/** Rooms and channels that people made stay in the list. */
export function save(id: string): void {
  find(id)
  publishList()
  const saved = new Set(stored(SAVED)).add(id)
  localStorage.setItem(SAVED, JSON.stringify([...saved]))
}

export function togglePinned(id: string): void {
  const pinned = new Set(pinnedIds.value)
  if (!pinned.delete(id)) pinned.add(id)
  pinnedIds.value = pinned
  localStorage.setItem(PINNED, JSON.stringify([...pinned]))
}

/** Makes the conversations of the last visit. */
export function restoreSaved(): void {
  for (const id of ['room/lobby', ...stored(SAVED)]) find(id)
  publishList()
}

/** What the hub's feed tells goes into the list. */
export const feedReceiver: FeedReceiver = {
  topics(topics) {
    batch(() => {
      const before = all.size
      for (const topic of topics) take(topic)
      if (all.size !== before) publishList()
    })
  },
  presence(changes: readonly PresenceJson[]) {
    const states = new Map(presence.value)
    for (const { clientId, state } of changes) states.set(clientId, state)
    presence.value = states
  },
  overview(now) {
    overview.value = now
    overviews.value = [...overviews.value.slice(-119), now]
  },
}

/** Who is here already; the feed tells only changes. */
export async function loadPresence(): Promise<void> {
  let cursor: string | undefined
  do {
    const page: { clients: { clientId: string; connection: unknown }[]; nextCursor: string | null } = await ask(
      'GET',
      apiUrl('clients', { limit: 1000, cursor }),
    )
    const states = new Map(presence.value)
    for (const { clientId, connection } of page.clients) states.set(clientId, connection === null ? 'away' : 'here')
    presence.value = states
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

function take(topic: TopicJson): void {
  if (topic.topic.startsWith('$') || topic.topic.startsWith('replies/')) return
  if (!seenTopics.has(topic.topic)) {
    seenTopics.add(topic.topic)
    topicCount.value = seenTopics.size
  }
  const id = idOf(topic.topic)
  if (id !== undefined) note(find(id), topic)
  for (const one of all.values()) if (one.kind === 'channel' && matches(one.filter, topic.topic)) note(one, topic)
}

function note(one: Conversation, topic: TopicJson): void {
  const before = one.topics.get(topic.topic)
  one.topics.set(topic.topic, topic)
  if (topic.topic === `devices/${one.name}/status`) one.isAvailable.value = isOnline(topic.last.payload)
  const { value: last } = one.last
  const isCounted = !UNCOUNTED.test(topic.topic)
  if (last === undefined || (last.last.atMs <= topic.last.atMs && (isCounted || UNCOUNTED.test(last.topic)))) {
    one.last.value = topic
  }
  const isOpen = openConversation.peek() === one && !document.hidden
  // The first time it is told is what was there before: not news.
  if (before !== undefined && isCounted && !isOpen) {
    one.unread.value += Math.max(0, topic.messages - before.messages)
  }
  let rate = 0
  for (const { messagesPerSecond } of one.topics.values()) rate += messagesPerSecond
  one.rate.value = rate
}

function find(id: string): Conversation {
  const known = all.get(id)
  if (known !== undefined) return known
  const slash = id.indexOf('/')
  const kind = kindOf(id.slice(0, slash))
  const name = id.slice(slash + 1)
  const filter = kind === 'room' ? `chat/${name}` : kind === 'device' ? `devices/${name}/#` : name
  const made: Conversation = {
    id,
    kind,
    name,
    filter,
    last: signal(undefined),
    unread: signal(0),
    rate: signal(0),
    isAvailable: signal(undefined),
    topics: new Map(),
  }
  all.set(id, made)
  return made
}

function kindOf(text: string): ConversationKind {
  return text === 'room' || text === 'device' ? text : 'channel'
}

function publishList(): void {
  list.value = [...all.values()]
}

/** Where a topic belongs by itself: a room, a device, else a channel of its first level. */
function idOf(topic: string): string | undefined {
  const [first = '', second = ''] = topic.split('/')
  if (first === 'chat' && second !== '') return `room/${topic.slice('chat/'.length)}`
  if (first === 'devices' && second !== '') return `device/${second}`
  return first === '' ? undefined : `channel/${topic === first ? topic : `${first}/#`}`
}

function isOnline(payload: string | undefined): boolean | undefined {
  if (payload === undefined || payload === '') return undefined
  if (/offline|false|"?0"?$|disconnect/i.test(payload)) return false
  return /online|true|connect|"?1"?$/i.test(payload) ? true : undefined
}

function stored(key: string): string[] {
  const text = localStorage.getItem(key)
  const ids: string[] = text === null ? [] : JSON.parse(text)
  return ids
}
