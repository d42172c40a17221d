import { batch, computed, effect, signal, untracked } from '@preact/signals'
import type { Arrived } from '../../worker/protocol.ts'
import { apiUrl } from './api.ts'
import { type Conversation, openConversation, overview } from './conversations.ts'
import { EDGE_MS, HOLE_MESSAGES, HOLE_PAGE, readBefore, readHole, shownOf } from './hole.ts'
import { past, type Receiver, watch } from './hub.ts'
import { isDetailsShown } from './layout.ts'
import { filterFault, matches } from './topic-filter.ts'
import { isRetained, ownOf, restoreSends, resumeUnsent, type Send, sendChanged, sendOf, unconfirmed } from './sends.ts'
import { telemetryStyle } from './settings.ts'
import { nameOf } from './rows.ts'
import { Stream } from './stream.ts'
import { markRead as readConversation } from './unread.ts'

const PAGE = 100
/** With so many unread or more, it opens at the newest. */
const MAX_UNREAD_OPENED = 200
/** What was said meanwhile may stand between unread messages without being one. */
const UNREAD_MARGIN = 50
/** Pages that are read by themselves to fill the view; then somebody has to ask. */
const PAGES_UNASKED = 4
/** Of payloads: with so many it is no longer read for a view that has room. */
const BYTES_UNASKED = 100_000
/** So long the connection may be behind history. */
const FILLED_MS = 5000

/** The hub has handled the message. */
const TAKEN: ReadonlySet<string> = new Set(['puback', 'pubcomp', 'receipt'])

/** 'unknown': the hub could not be asked. */
export type PastState = 'loading' | 'more' | 'none' | 'unknown'

/** The stream of the open conversation, what it has pinned, and what may be older. */
export const stream = signal(new Stream())
export const pins = signal<readonly Arrived[]>([])
/** What a device announces is no news to who reads. */
export const shownPins = computed(() => pins.value.filter(({ topic }) => !topic.endsWith('/about')))
export const pastState = signal<PastState>('none')
/** Why nothing new of the open conversation arrives; undefined when it does. */
export const notGranted = signal<string | undefined>(undefined)
/** The message that the details are of. */
export const chosen = signal<Arrived | undefined>(undefined)

let cursor: string | null = null
/** Whether what is older comes oldest first, as before a page around something. */
let isFromJump = false
let pagesUnasked = 0
let bytesRead = 0
/** No connection, from and to. */
let outage: Outage | undefined
let openedAtMs = 0
/** What history told of that the connection may still bring. */
let filled = { untilMs: 0, names: new Map<string, number>() }
/** What was there when it was opened. */
let firstPage: Promise<void> = Promise.resolve()

/** Shows a message in the details. */
export function choose(message: Arrived): void {
  chosen.value = message
  isDetailsShown.value = true
}

/** Follows what is open from now on, and sends what the last visit could not. */
export function followOpen(): void {
  restoreSends()
  resumeUnsent()
  effect(() => {
    const one = openConversation.value
    const fresh = new Stream(one !== undefined && isFolded(one))
    stream.value = fresh
    pins.value = []
    notGranted.value = undefined
    chosen.value = undefined
    cursor = null
    isFromJump = false
    filled.names.clear()
    pagesUnasked = 0
    bytesRead = 0
    openedAtMs = Date.now()
    watch(one === undefined || filterFault(one.filter) !== undefined ? undefined : one.filter)
    if (one === undefined) return
    untracked(() => unconfirmed().forEach(showSent))
    const unread = one.unread.peek()
    readConversation(one)
    firstPage = loadPast(one, fresh, unread < MAX_UNREAD_OPENED ? unread : 0)
    void loadPins(one, fresh)
  })
  setInterval(() => stream.peek().tickRate(), 1000)
}

/** What the connection tells goes to where it belongs. */
export const receiver: Receiver = {
  arrived(messages, overflow) {
    const one = openConversation.peek()
    if (one === undefined) return
    const mine = withoutFilled(messages.filter(({ topic }) => matches(one.filter, topic)))
    stream.peek().append(mine, overflow)
    updatePins(one, mine)
  },
  sendChanged(change) {
    sendChanged(change)
    const sent = change.step === 'reply' ? sendOf(change.id) : undefined
    if (sent !== undefined) stream.peek().addReply(sent)
    // A page does not get its own messages: what it pinned has to be asked for.
    const one = openConversation.peek()
    if (one !== undefined && TAKEN.has(change.step) && isRetained(change.id)) void loadPins(one, stream.peek())
  },
  linkChanged(change, before) {
    if (change.state === 'offline' && before.state === 'online') {
      outage = { fromMs: change.atMs, toMs: change.atMs }
      // A resumed session brings new messages before anybody can have asked history.
      stream.peek().startFill()
    }
    if (change.state !== 'online') return
    const isOpen = openConversation.peek() !== undefined
    outage = outage === undefined || !isOpen ? undefined : { ...outage, toMs: change.atMs }
  },
  notGranted(filter, reason) {
    if (openConversation.peek()?.filter === filter) notGranted.value = reason
  },
  watching(filter, isResumed) {
    const one = openConversation.peek()
    if (one?.filter !== filter) return
    notGranted.value = undefined
    if (pastState.peek() === 'unknown') {
      firstPage = loadPast(one, stream.peek(), 0)
      void loadPins(one, stream.peek())
    }
    // What was said between the look into history and the subscription.
    void fillGap(outage?.fromMs ?? openedAtMs, outage, isResumed)
    outage = undefined
  },
}

/** A message of this page appears at once, with what is known of it. */
export function showSent(send: Send): void {
  const one = openConversation.peek()
  if (one !== undefined && matches(one.filter, send.message.topic)) stream.peek().addSent(send)
}

/** Reads a page of older messages. `isAsked`: by a person, not just because there is room. */
export async function loadOlder(isAsked: boolean): Promise<void> {
  const one = openConversation.peek()
  if (one === undefined || pastState.peek() === 'loading') return
  if (pastState.peek() === 'none' && !stream.peek().isTrimmed) return
  pagesUnasked = isAsked ? 0 : pagesUnasked + 1
  if (isAsked || (pagesUnasked <= PAGES_UNASKED && bytesRead < BYTES_UNASKED)) await loadPast(one, stream.peek(), 0)
}

/** Ends a pause; what came meanwhile and was not kept, history has. */
export async function goOn(paused: Stream): Promise<void> {
  const one = openConversation.peek()
  const hole = paused.isPaused.peek() ? paused.goOn() : undefined
  if (one === undefined || hole === undefined) return
  const { missed, note } = await readHole(one.filter, hole, clockOffsetMs())
  paused.fill(missed, note)
}

/** Shows the time around a message of the past; live messages go on below it. */
export async function jumpTo(message: Arrived): Promise<void> {
  await jumpAround(message.atMs, message.topic.endsWith('/telemetry'), (fresh) => {
    chosen.value = fresh.beginAt(message)
  })
}

/** Shows what was said from a time on, such as the begin of a day. */
export async function jumpToDay(dayMs: number): Promise<void> {
  await jumpAround(dayMs, false, (fresh) => fresh.beginAfter(dayMs))
}

/** `begin` says where in the new stream. */
async function jumpAround(atMs: number, isForTelemetry: boolean, begin: (fresh: Stream) => void): Promise<void> {
  const one = openConversation.peek()
  if (one === undefined) return
  const around = String(Math.round(atMs))
  const page = await past(
    apiUrl('GET /messages', { query: { payload: shownOf(one.filter), filter: one.filter, around, limit: PAGE } }),
  )
  if (openConversation.peek() !== one || !page.isAnswered) return
  const fresh = new Stream(isFolded(one) && !isForTelemetry)
  fresh.prepend(page.messages.toReversed())
  if (page.nextCursor !== null) fresh.note({ kind: 'gap' })
  cursor = page.previousCursor
  isFromJump = true
  pastState.value = cursor === null ? 'none' : 'more'
  batch(() => {
    stream.value = fresh
    begin(fresh)
  })
}

/** From the past back to now. */
export function reopen(): void {
  const one = openConversation.peek()
  if (one === undefined) return
  cursor = null
  isFromJump = false
  stream.value = new Stream(isFolded(one))
  void loadPast(one, stream.peek(), 0)
}

function isFolded({ kind }: Conversation): boolean {
  return kind === 'device' && telemetryStyle.value === 'folded'
}

/** All of the open conversation is read. */
export function markRead(): void {
  const one = openConversation.peek()
  if (one !== undefined) readConversation(one)
  stream.peek().markRead()
}

/** The hub's clock less the browser's. */
function clockOffsetMs(): number {
  const { value } = overview
  return value === undefined ? 0 : overviewOffset(value.atMs)
}

let offset: number | undefined
function overviewOffset(atMs: number): number {
  offset ??= atMs - Date.now()
  return Math.abs(offset) < EDGE_MS ? 0 : offset
}

async function loadPast(one: Conversation, target: Stream, unread: number): Promise<void> {
  pastState.value = 'loading'
  const isFirst = cursor === null && !target.isTrimmed
  const sinceMs = Date.now() - EDGE_MS
  const limit = Math.max(PAGE, unread + UNREAD_MARGIN)
  const trimmedAt = target.takeTrimmedAt()
  const page =
    trimmedAt === undefined
      ? await past(
          apiUrl('GET /messages', {
            query: { payload: shownOf(one.filter), filter: one.filter, limit, cursor: cursor ?? undefined },
          }),
        )
      : {
          ...(await readBefore(one.filter, trimmedAt, clockOffsetMs())),
          previousCursor: null,
          sentBytes: 0,
          isAnswered: true,
        }
  if (stream.peek() !== target) return
  bytesRead += page.sentBytes
  if (trimmedAt !== undefined) isFromJump = false
  cursor = isFromJump ? page.previousCursor : page.nextCursor
  pastState.value = !page.isAnswered ? 'unknown' : cursor === null ? 'none' : 'more'
  const live = isFirst ? target.shownSince(sinceMs, true) : new Map<string, number>()
  batch(() => {
    const newestFirst = isFromJump ? page.messages.toReversed() : page.messages
    target.prepend(withoutShown(newestFirst, live, sinceMs))
    if (unread > 0) target.markUnread(unread)
  })
}

interface Outage {
  readonly fromMs: number
  readonly toMs: number
}

/** What came since `fromMs` and is not shown yet; after an outage with a line that says so. */
async function fillGap(fromMs: number, ended: Outage | undefined, isResumed: boolean): Promise<void> {
  const one = openConversation.peek()
  const target = stream.peek()
  if (one === undefined) return
  target.startFill()
  await firstPage
  const after = String(Math.round(fromMs + clockOffsetMs() - EDGE_MS))
  const found: Arrived[] = []
  let next: string | undefined
  let isTold = true
  do {
    const query = { filter: one.filter, after, order: 'oldest' as const, limit: HOLE_PAGE, cursor: next }
    const page = await past(apiUrl('GET /messages', { query: { payload: shownOf(one.filter), ...query } }))
    if (stream.peek() !== target) return
    found.push(...page.messages)
    isTold = page.fault === undefined
    next = page.nextCursor ?? undefined
  } while (next !== undefined && found.length < HOLE_MESSAGES)
  // What is older than all that is shown comes by itself when somebody looks there.
  const { oldestAtMs } = target
  const later = found.filter(({ atMs }) => atMs > oldestAtMs)
  const missed = withoutShown(later, target.shownSince(fromMs - EDGE_MS), fromMs - EDGE_MS)
  const fromHistory = missed.filter((message) => ownOf(message) === undefined).length
  if (ended !== undefined) target.note({ kind: 'outage', ...ended, fromHistory: isTold ? fromHistory : undefined })
  // What waited in the session is still to come, and what was said since the subscription may be.
  const subscribedAtMs = (ended?.toMs ?? openedAtMs) + clockOffsetMs() - EDGE_MS
  filled = { untilMs: Date.now() + FILLED_MS, names: new Map() }
  for (const message of missed) {
    if (isResumed || message.atMs >= subscribedAtMs) {
      const name = nameOf(message)
      filled.names.set(name, (filled.names.get(name) ?? 0) + 1)
    }
  }
  target.fill(missed, next === undefined ? undefined : { kind: 'gap' }, withoutFilled)
}

/** Leaves out what history was faster to tell than the connection. */
function withoutFilled(messages: readonly Arrived[]): readonly Arrived[] {
  if (filled.names.size === 0) return messages
  if (Date.now() > filled.untilMs) {
    filled.names.clear()
    return messages
  }
  return messages.filter((message) => {
    const name = nameOf(message)
    const left = filled.names.get(name) ?? 0
    if (left > 1) filled.names.set(name, left - 1)
    else filled.names.delete(name)
    return left === 0
  })
}

function withoutShown(messages: readonly Arrived[], shown: Map<string, number>, sinceMs: number): readonly Arrived[] {
  return messages.filter((message) => {
    if (message.atMs < sinceMs + clockOffsetMs()) return true
    const left = shown.get(nameOf(message)) ?? 0
    if (left > 0) shown.set(nameOf(message), left - 1)
    return left === 0
  })
}

async function loadPins(one: Conversation, target: Stream): Promise<void> {
  const page = await past(
    apiUrl('GET /retained', { query: { payload: shownOf(one.filter), filter: one.filter, limit: 50 } }),
  )
  if (stream.peek() === target) pins.value = page.messages
}

function updatePins(one: Conversation, messages: readonly Arrived[]): void {
  const retained = messages.filter(({ retain, topic }) => retain && matches(one.filter, topic))
  if (retained.length === 0) return
  const byTopic = new Map(pins.peek().map((pin) => [pin.topic, pin]))
  for (const message of retained) {
    if (message.bytes === 0) byTopic.delete(message.topic)
    else if (byTopic.size < 50 || byTopic.has(message.topic)) byTopic.set(message.topic, message)
  }
  pins.value = [...byTopic.values()]
}
