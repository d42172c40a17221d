import { batch, type Signal } from '@preact/signals'

/** What has news that somebody may not have read. */
export interface Counted {
  readonly id: string
  /** Its news since the hub started, as the feed tells them. */
  total: number
  readonly unread: Signal<number>
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
/** Of so many conversations the browser could not keep it. */
const MAX_KEPT = 20_000

let all: ReadonlyMap<string, Counted> = new Map()
let startedAtMs: number | undefined
let saveTimer: ReturnType<typeof setTimeout> | undefined

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

/** The hub was started anew, and counts anew. */
export function beginAnew(hubStartedAtMs: number): void {
  startedAtMs = hubStartedAtMs
  saveSoon()
}

/** Somebody has seen all of it. */
export function markRead(one: Counted): void {
  one.unread.value = 0
  saveSoon()
}

/** What was read has changed; soon, since it does so often. */
export function saveSoon(): void {
  saveTimer ??= setTimeout(save, SAVE_MS)
}

function unreadOf({ id, total }: Counted, kept: Kept, hubStartedAtMs: number): number {
  if (kept.startedAtMs !== hubStartedAtMs) return total + (kept.unread[id] ?? 0)
  return Math.max(0, total - (kept.read[id] ?? 0))
}

/** What is read in one tab is read in all. */
function hearOtherTab(): void {
  const kept = readKept()
  if (kept === undefined || kept.startedAtMs !== startedAtMs) return
  batch(() => {
    for (const one of all.values()) {
      const read = kept.read[one.id] ?? 0
      if (read > one.total - one.unread.peek()) one.unread.value = Math.max(0, one.total - read)
    }
  })
}

function save(): void {
  clearTimeout(saveTimer)
  saveTimer = undefined
  if (startedAtMs === undefined) return
  if (all.size > MAX_KEPT) {
    localStorage.removeItem(KEY)
    return
  }
  hearOtherTab()
  const read: Record<string, number> = {}
  const unread: Record<string, number> = {}
  for (const one of all.values()) {
    const waiting = one.unread.peek()
    read[one.id] = one.total - waiting
    if (waiting > 0) unread[one.id] = waiting
  }
  const kept: Kept = { startedAtMs, read, unread }
  localStorage.setItem(KEY, JSON.stringify(kept))
}

function readKept(): Kept | undefined {
  try {
    const kept: Kept | null = JSON.parse(localStorage.getItem(KEY) ?? 'null')
    return kept ?? undefined
  } catch {
    return undefined
  }
}
