import { batch, computed, effect, type Signal, signal } from '@preact/signals'
import type { FeedReceiver, Overview, PresenceChange, TopicNews } from './feed.ts'
import type { Answer } from '../../../src/http/api-types.ts'
import { ask } from './api.ts'
import { type Availability, availabilityOf, hearAvailability, learnWill } from './availability.ts'
import { isFeedReady } from './feed.ts'
import { isListHeld } from './layout.ts'
import { isMine, isPage } from './identity.ts'
import { isNews } from './news.ts'
import { go, place } from './place.ts'
import { forgetPresence, loadClients, noteTold, presence, takePresence } from './presence.ts'
import { listOrder } from './settings.ts'
import { SortedList } from './sorted-list.ts'
import { storedList, storeList } from './stored.ts'
import { matches } from './topic-filter.ts'
import {
  beginAnew,
  type Counted,
  countUnread,
  goOn,
  keepRead,
  markRead,
  saveSeen,
  suspectAnew,
  takeUpRead,
} from './unread.ts'

export type ConversationKind = 'room' | 'device' | 'channel'

/** A line of the list. What changes often is in signals, so that only its text changes. */
export interface Conversation extends Counted {
  /** `room/lobby`, `device/lamp-1`, `channel/devices/+/alarm`. */
  readonly id: string
  readonly kind: ConversationKind
  readonly name: string
  /** What an open conversation subscribes to. */
  readonly filter: string
  readonly last: Signal<TopicNews | undefined>
  /** Messages a second over the last few. */
  readonly rate: Signal<number>
  /** The device's own word; undefined when it never said. */
  readonly availability: Signal<Availability | undefined>
  /** The client whose session it is, of a device: the one of its name, else the one that publishes for it. */
  readonly clientId: Signal<string>
  readonly topics: Map<string, TopicNews>
}

const SAVED = 'hubbub.saved'
const PINNED = 'hubbub.pinned'
/** What others say to a device. */
const COMMAND = /^devices\/[^/]+\/cmd(?:\/|$)/
/** With so many in the list it is made anew less often. */
const LONG_LIST = 500
const LONG_LIST_MS = 250
const TICK_MS = 1000
/** How much of the rate is of the last second. */
const NEWEST_SHARE = 0.5

const ORDER: Readonly<Record<ConversationKind, number>> = { room: 0, device: 1, channel: 2 }
const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

const all = new Map<string, Conversation>()
/** Those that are not all topics of a first level: every message has to be looked at for them. */
const wide = new Set<Conversation>()
const sorted = new SortedList<Conversation>(
  (one, other) => ORDER[one.kind] - ORDER[other.kind] || byName.compare(one.name, other.name),
)
const list = signal<readonly Conversation[]>([])
/** Clients that came a moment ago. */
const newcomers = new Set<string>()
/** Clients that publish for devices of other names: they are no contacts of their own. */
const speakers = new Set<string>()
/** Messages of the last second. */
const counts = new Map<Conversation, number>()
let listTimer: ReturnType<typeof setTimeout> | undefined
/** Of the hub that counts the messages. */
let hubStartedAtMs: number | undefined

export const pinnedIds = signal<ReadonlySet<string>>(new Set(storedList(PINNED)))
export const savedIds = signal<ReadonlySet<string>>(new Set(storedList(SAVED)))
export const overview = signal<Overview | undefined>(undefined)
/** When `overview` came. */
export const overviewAtMs = signal(0)
/** The last two minutes of `overview`, one a second. */
export const overviews = signal<readonly Overview[]>([])
/** Topics that anybody but the hub published to. */
export const topicCount = signal(0)
/** Grows with all that the feed tells of topics of the open conversation. */
export const openNews = signal(0)
/** Makes "recent" sort anew. */
const recentTick = signal(0)

/** Pinned first, then rooms, devices and channels by name; or the most recent first. */
export const conversations = computed(() => {
  const pinned = pinnedIds.value
  const { value: base } = list
  let rest = base
  if (listOrder.value === 'recent') {
    void recentTick.value
    rest = base.toSorted((one, other) => (other.last.peek()?.atMs ?? 0) - (one.last.peek()?.atMs ?? 0))
  }
  if (pinned.size === 0) return rest
  return [...base.filter(({ id }) => pinned.has(id)), ...rest.filter(({ id }) => !pinned.has(id))]
})

/** The open one; what an address names exists, even if nobody has spoken there. */
export const openConversation = computed(() => {
  const { value } = place
  return value.kind === 'conversation' ? find(value.id, true) : undefined
})

/** Rooms and channels that people made stay in the list. */
export function save(id: string): void {
  find(id, true)
  savedIds.value = new Set(savedIds.value).add(id)
  storeList(SAVED, savedIds.value)
}

/** Takes back `save`. */
export function forget(id: string): void {
  const saved = new Set(savedIds.value)
  saved.delete(id)
  savedIds.value = saved
  storeList(SAVED, saved)
  const one = all.get(id)
  if (one === undefined || (one.topics.size > 0 && !wide.has(one))) return
  remove(one)
  if (openConversation.peek() === one) go('#/')
}

export function togglePinned(id: string): void {
  const pinned = new Set(pinnedIds.value)
  if (!pinned.delete(id)) pinned.add(id)
  pinnedIds.value = pinned
  storeList(PINNED, pinned)
}

/** Makes the conversations of the last visit. */
export function restoreSaved(): void {
  for (const id of ['room/lobby', ...savedIds.value, ...pinnedIds.value]) find(id, true)
  publishList()
  setInterval(tick, TICK_MS)
  keepRead(all)
  effect(() => {
    const startedAtMs = overview.value?.startedAtMs
    if (isFeedReady.value && startedAtMs !== undefined) meetHub(startedAtMs)
  })
  document.addEventListener('visibilitychange', readOpen)
}

/** Whoever looks at a conversation reads it. */
function readOpen(): void {
  const open = openConversation.peek()
  if (!document.hidden && open !== undefined) markRead(open)
}

/** With the first word of a hub what was said since the last visit is unread; one that was started anew counts from 0. */
function meetHub(startedAtMs: number): void {
  if (startedAtMs === hubStartedAtMs) {
    goOn(startedAtMs)
    return
  }
  const isFirst = hubStartedAtMs === undefined
  hubStartedAtMs = startedAtMs
  if (isFirst) takeUpRead(startedAtMs)
  else {
    for (const one of all.values()) {
      for (const [name, topic] of one.topics) {
        if (topic.atMs >= startedAtMs || topic.messages === 0) continue
        one.topics.set(name, { ...topic, messages: 0 })
        if (isNews(name)) one.total -= topic.messages
      }
    }
    beginAnew(startedAtMs)
  }
  readOpen()
}

/** What the hub's feed tells goes into the list. */
export const feedReceiver: FeedReceiver = {
  opened: loadPresence,
  topics(topics) {
    batch(() => {
      for (const topic of topics) take(topic)
    })
  },
  presence(changes) {
    noteTold(changes)
    batch(() => takeClients(changes))
  },
  overview(now) {
    overview.value = now
    overviewAtMs.value = Date.now()
    overviews.value = [...overviews.value.slice(-119), now]
  },
}

/** Who is here already, and what devices said of themselves before the hub was started. */
async function loadPresence(): Promise<void> {
  // Of who went meanwhile nobody tells.
  forgetPresence()
  await loadClients((changes) => {
    batch(() => takeClients(changes))
    meetNewcomers()
  })
  let cursor: string | undefined
  do {
    const query = { filter: 'devices/+/status', limit: 1000, cursor }
    const page: Answer<'GET /retained'> = await ask('GET /retained', { query })
    batch(() => {
      for (const { topic, payload } of page.messages) {
        find(`device/${topic.split('/')[1] ?? ''}`, false)
        hearAvailability(topic, payload)
      }
    })
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

function takeClients(changes: readonly PresenceChange[]): void {
  takePresence(changes, (clientId) => all.has(`device/${clientId}`))
  for (const { clientId, state, will } of changes) {
    if (isPage(clientId)) continue
    if (will !== null) learnWill(clientId, will, newsOf(will.topic)?.text)
    const one = all.get(`device/${clientId}`)
    if (state === 'gone') {
      newcomers.delete(clientId)
      if (one !== undefined && one.topics.size === 0) leave(one)
    } else if (one === undefined) newcomers.add(clientId)
    else one.clientId.value = clientId
  }
}

/** Clients that stay for a moment become contacts; a program that connects, says one thing and goes does not. */
function meetNewcomers(): void {
  for (const clientId of newcomers) if (!speakers.has(clientId)) find(`device/${clientId}`, false)
  newcomers.clear()
}

function take(topic: TopicNews): void {
  if (topic.topic.startsWith('$') || topic.topic.startsWith('replies/')) return
  hearAvailability(topic.topic, topic.text)
  const id = idOf(topic.topic)
  if (id !== undefined) {
    const one = find(id, false)
    if (!one.topics.has(topic.topic)) topicCount.value++
    if (one.kind === 'device') learnSpeaker(one, topic)
    note(one, topic)
  }
  for (const one of wide) if (one.id !== id && matches(one.filter, topic.topic)) note(one, topic)
}

/** Devices often have a client id that is not their name: whoever publishes their state is who they are connected as. */
function learnSpeaker(one: Conversation, { topic, publisher }: TopicNews): void {
  if (publisher === undefined || publisher === one.clientId.value) return
  if (COMMAND.test(topic) || isPage(publisher) || presence.peek().has(one.name)) return
  one.clientId.value = publisher
  if (publisher === one.name) return
  speakers.add(publisher)
  const own = all.get(`device/${publisher}`)
  if (own !== undefined && own.topics.size === 0) leave(own)
}

function note(one: Conversation, topic: TopicNews): void {
  const before = one.topics.get(topic.topic)
  one.topics.set(topic.topic, topic)
  if (openConversation.peek() === one) openNews.value++
  const isCounted = isNews(topic.topic)
  if (isCounted) one.total += topic.messages - (before?.messages ?? 0)
  const { value: last } = one.last
  if (last === undefined || (last.atMs <= topic.atMs && (isCounted || !isNews(last.topic)))) {
    one.last.value = topic
  }
  // What the feed tells at first was there before: not news. A hub that was started anew counts from 0.
  const seen = before === undefined ? (isFeedReady.peek() ? 0 : topic.messages) : before.messages
  if (topic.messages < seen) suspectAnew()
  const fresh = topic.messages < seen ? topic.messages : topic.messages - seen
  if (fresh === 0) return
  counts.set(one, (counts.get(one) ?? 0) + fresh)
  const isOpen = openConversation.peek() === one && !document.hidden
  const isOwn = fresh === 1 && isMine(topic.publisher)
  if (!isCounted) return
  if (isOpen || isOwn) saveSeen()
  else countUnread(one, fresh)
}

/** Once a second: rates, and the order of "recent" unless somebody is about to click on it. */
function tick(): void {
  meetNewcomers()
  batch(() => {
    for (const [one, fresh] of counts) {
      const rate = one.rate.value * (1 - NEWEST_SHARE) + fresh * NEWEST_SHARE
      one.rate.value = rate < 0.05 ? 0 : rate
      if (rate < 0.05) counts.delete(one)
      else counts.set(one, 0)
    }
    if (listOrder.value === 'recent' && !isListHeld.value) recentTick.value++
  })
}

/** The conversation of an id, made when there is none. `isAsked`: by a person, so its filter may be any. */
function find(id: string, isAsked: boolean): Conversation {
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
    total: 0,
    last: signal(undefined),
    unread: signal(0),
    readElsewhere: undefined,
    rate: signal(0),
    availability: availabilityOf(name),
    clientId: signal(name),
    topics: new Map(),
  }
  all.set(id, made)
  if (isAsked && kind === 'channel' && idOf(name.replace(/\/#$/, '/x')) !== id) {
    wide.add(made)
    // Not while a computed signal asks for it.
    queueMicrotask(() => batch(() => fill(made)))
  }
  sorted.add(made)
  publishSoon()
  return made
}

/** What was said before a channel was made; it is no news. */
function fill(made: Conversation): void {
  for (const other of all.values()) {
    if (wide.has(other)) continue
    for (const topic of other.topics.values()) if (matches(made.filter, topic.topic)) note(made, topic)
  }
  markRead(made)
  counts.delete(made)
}

function leave(one: Conversation): void {
  if (pinnedIds.peek().has(one.id) || savedIds.peek().has(one.id) || openConversation.peek() === one) return
  remove(one)
}

function remove(one: Conversation): void {
  all.delete(one.id)
  wide.delete(one)
  counts.delete(one)
  sorted.remove(one)
  publishSoon()
}

function publishSoon(): void {
  listTimer ??= setTimeout(publishList, sorted.size < LONG_LIST ? 0 : LONG_LIST_MS)
}

function publishList(): void {
  clearTimeout(listTimer)
  listTimer = undefined
  list.value = sorted.settle()
}

/** What the feed has told of a topic that has a conversation of its own. */
export function newsOf(topic: string): TopicNews | undefined {
  const id = idOf(topic)
  return id === undefined ? undefined : all.get(id)?.topics.get(topic)
}

function kindOf(text: string): ConversationKind {
  return text === 'room' || text === 'device' ? text : 'channel'
}

/** Where a topic belongs by itself: a room, a device, else a channel of its first level. */
export function idOf(topic: string): string | undefined {
  const [first = '', second = ''] = topic.split('/')
  if (first === 'chat' && second !== '') return `room/${topic.slice('chat/'.length)}`
  if (first === 'devices' && second !== '') return `device/${second}`
  return first === '' ? undefined : `channel/${topic === first ? topic : `${first}/#`}`
}
