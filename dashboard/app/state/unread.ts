import { batch, type Signal } from '@preact/signals'
import { store } from './stored.ts'

/** What has news that somebody may not have read. */
export interface Counted {
  readonly id: string
  /** Its news since the hub started, as the feed tells them. */
  total: number
  readonly unread: Signal<number>
  /** How far other tabs have read it, where that is known: maybe news that this tab has not heard of yet. */
  readElsewhere: number | undefined
}

/** How far everything was read, as the browser keeps it for all tabs. */
interface Kept {
  /** Of the hub that counted. */
  readonly startedAtMs: number
  /** How many of the news were read, by conversation. */
  readonly read: Readonly<Record<string, number>>
  /** Those that were not, for when the hub counts anew. */
  readonly unread: Readonly<Record<string, number>>
}

const KEY = 'hubbub.read'
const SAVE_MS = 300
/** After what goes by in an open conversation: all is written each time, of up to 20,000 of them. */
const SAVE_SEEN_MS = 2000
/** Of so many conversations the browser could not keep it. */
const MAX_KEPT = 20_000

let all: ReadonlyMap<string, Counted> = new Map()
let startedAtMs: number | undefined
let saveTimer: ReturnType<typeof setTimeout> | undefined
/** When it is saved next, by `performance.now()`. */
let saveAtMs = Infinity

/** Keeps from now on how far these were read. */
export function keepRead(conversations: ReadonlyMap<string, Counted>): void {
  all = conversations
  addEventListener('storage', ({ key }) => {
    if (key === KEY) hearOtherTab()
  })
  addEventListener('pagehide', save)
}

/** The feed has told all that there is, of the hub that was started then: what came since the last visit is unread. */
export function takeUpRead(hubStartedAtMs: number): void {
  startedAtMs = hubStartedAtMs
  const kept = readKept()
  if (kept !== undefined) {
    batch(() => {
      for (const one of all.values()) one.unread.value = unreadOf(one, kept, hubStartedAtMs)
    })
  }
  saveSoon()
}

/** A topic is counted from 0 again, as of a hub that was started anew: until it has said so, what was kept cannot be compared. */
export function suspectAnew(): void {
  if (startedAtMs === undefined) return
  startedAtMs = undefined
  for (const one of all.values()) one.readElsewhere = undefined
}

/** The hub that counts is the same. */
export function goOn(hubStartedAtMs: number): void {
  startedAtMs = hubStartedAtMs
}

/** The hub was started anew, and counts anew. */
export function beginAnew(hubStartedAtMs: number): void {
  suspectAnew()
  goOn(hubStartedAtMs)
  saveSoon()
}

/** Nobody has seen them here; `total` has them already. */
export function countUnread(one: Counted, news: number): void {
  const unread = one.unread.peek() + news
  const { readElsewhere } = one
  one.unread.value = readElsewhere === undefined ? unread : Math.min(unread, Math.max(0, one.total - readElsewhere))
}

/** Somebody has seen all of it. */
export function markRead(one: Counted): void {
  one.unread.value = 0
  saveSoon()
}

/** Somebody sees what comes in; it does so often. */
export function saveSeen(): void {
  saveWithin(SAVE_SEEN_MS)
}

function saveSoon(): void {
  saveWithin(SAVE_MS)
}

function saveWithin(ms: number): void {
  const atMs = performance.now() + ms
  if (saveAtMs <= atMs) return
  clearTimeout(saveTimer)
  saveAtMs = atMs
  saveTimer = setTimeout(save, ms)
}

function unreadOf({ id, total }: Counted, kept: Kept, hubStartedAtMs: number): number {
  if (kept.startedAtMs !== hubStartedAtMs) return total + (kept.unread[id] ?? 0)
  return Math.max(0, total - (kept.read[id] ?? 0))
}

/** What is read in one tab is read in all. Returns what is kept, when it is of this hub. */
function hearOtherTab(): Kept | undefined {
  const kept = readKept()
  if (kept === undefined || kept.startedAtMs !== startedAtMs) return undefined
  batch(() => {
    for (const one of all.values()) {
      const read = kept.read[one.id]
      if (read === undefined) continue
      one.readElsewhere = Math.max(read, one.readElsewhere ?? read)
      countUnread(one, 0)
    }
  })
  return kept
}

function save(): void {
  clearTimeout(saveTimer)
  saveAtMs = Infinity
  if (startedAtMs === undefined) return
  if (all.size > MAX_KEPT) {
    localStorage.removeItem(KEY)
    return
  }
  const before = hearOtherTab()
  // Of channels too that only another tab has.
  const read: Record<string, number> = { ...before?.read }
  const unread: Record<string, number> = { ...before?.unread }
  for (const one of all.values()) {
    const waiting = one.unread.peek()
    put(read, one.id, one.total - waiting)
    put(unread, one.id, waiting)
  }
  const kept: Kept = { startedAtMs, read, unread }
  store(KEY, JSON.stringify(kept))
}

/** Nothing is kept of what was never said: most clients that come and go say nothing. */
function put(counts: Record<string, number>, id: string, news: number): void {
  if (news === 0) delete counts[id]
  else counts[id] = news
}

function readKept(): Kept | undefined {
  try {
    const kept: Kept | null = JSON.parse(localStorage.getItem(KEY) ?? 'null')
    return kept ?? undefined
  } catch {
    return undefined
  }
}
