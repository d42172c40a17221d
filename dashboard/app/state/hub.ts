import { signal } from '@preact/signals'
import type { Announcement } from '../../worker/announcement.ts'
import type {
  Arrived,
  BatchEntry,
  FromWorker,
  JsonPath,
  LinkChange,
  Outgoing,
  Past,
  PayloadRow,
  PayloadView,
  SendChange,
  ToWorker,
  Watching,
} from '../../worker/protocol.ts'
import { orderLast, webSocketUrl } from './api.ts'
import { tabClientId } from './identity.ts'

/** Whether the page is connected to the hub. */
export const link = signal<LinkChange>({
  kind: 'link',
  state: 'connecting',
  atMs: Date.now(),
  retryAtMs: undefined,
  reason: undefined,
  isRefused: false,
  clientId: '',
})

/** Who takes what comes from the hub. */
export interface Receiver {
  /** All that came since the last frame, in its order. */
  arrived(messages: readonly Arrived[], overflow: number): void
  sendChanged(change: SendChange): void
  linkChanged(change: LinkChange, before: LinkChange): void
  /** From now on all that matches the filter arrives. */
  watching(filter: string, isResumed: boolean): void
  /** The hub lets nothing of the filter arrive. */
  notGranted(filter: string, reason: string): void
}

type Answer = { readonly rows: readonly PayloadRow[]; readonly left: number }

let worker: Worker | undefined
let nextRequest = 1
const looks = new Map<number, (answer: Answer) => void>()
const openSeries = new Map<number, (values: readonly (number | null)[]) => void>()
const pasts = new Map<number, (past: Past) => void>()
const openOwn = new Map<number, (arrived: Arrived) => void>()
const announcements = new Map<number, (announcement: Announcement | undefined) => void>()

/** Starts the worker; to be called once. */
export function start(receiver: Receiver): void {
  worker = new Worker(new URL('../../worker/worker.ts', import.meta.url), { type: 'module', name: 'mqtt' })
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === 'looked') settle(looks, data.request, data)
    else if (data.kind === 'series') settle(openSeries, data.request, data.values)
    else if (data.kind === 'past') settle(pasts, data.request, data.past)
    else if (data.kind === 'shown-own') settle(openOwn, data.request, data.arrived)
    else if (data.kind === 'announced') settle(announcements, data.request, data.announcement)
    else {
      take(data.entries, receiver)
      requestNext()
    }
  })
  tell({ kind: 'connect', url: webSocketUrl(), clientId: tabClientId })
  tell({ kind: 'frame' })
  addEventListener('online', tryNow)
  addEventListener('pagehide', endSession)
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) tryNow()
  })
}

/**
 * Nobody comes back to a tab that was closed: without this the hub would keep its session, and queue for it. The worker is gone
 * before it could say so. A reload looks the same and begins anew; should the request be late, the page connects once more.
 */
function endSession(): void {
  if (link.peek().state !== 'online') return
  orderLast('DELETE /clients/:clientId/session', { params: { clientId: tabClientId } })
}

export function tryNow(): void {
  tell({ kind: 'try-now' })
}

/** While nobody is signed in there is no connection, and none is tried. */
export function hold(isHeld: boolean): void {
  tell({ kind: 'hold', isHeld })
}

/** The filter of the open conversation: the page's only subscription to what others say. */
export function watch(filter: string | undefined): void {
  tell({ kind: 'watch', filter })
}

export function publish(message: Outgoing): void {
  tell({ kind: 'publish', message })
}

/** A message of this page as if it had come, so that it can be looked at. */
export function arrivedOf(message: Outgoing, atMs: number): Promise<Arrived> {
  const request = nextRequest++
  return new Promise((resolve) => {
    openOwn.set(request, resolve)
    tell({ kind: 'show-own', request, message, atMs })
  })
}

/** A payload as rows, made by the worker. */
export function look(id: number, view: PayloadView): Promise<Answer> {
  const request = nextRequest++
  return new Promise((resolve) => {
    looks.set(request, resolve)
    tell({ kind: 'look', request, id, view })
  })
}

/** What is other in a payload than in the one before, made by the worker. */
export function compare(id: number, beforeId: number): Promise<Answer> {
  const request = nextRequest++
  return new Promise((resolve) => {
    looks.set(request, resolve)
    tell({ kind: 'compare', request, id, beforeId })
  })
}

/** The numbers at a path of payloads, null where there is none, read by the worker. */
export function series(ids: readonly number[], path: JsonPath): Promise<readonly (number | null)[]> {
  const request = nextRequest++
  return new Promise((resolve) => {
    openSeries.set(request, resolve)
    tell({ kind: 'series', request, ids, path })
  })
}

/** A page of history or of retained messages, read by the worker. */
export function past(url: string): Promise<Past> {
  const request = nextRequest++
  return new Promise((resolve) => {
    pasts.set(request, resolve)
    tell({ kind: 'past', request, url })
  })
}

/** What the first of a page of retained messages announces, read by the worker. */
export function announcement(url: string): Promise<Announcement | undefined> {
  const request = nextRequest++
  return new Promise((resolve) => {
    announcements.set(request, resolve)
    tell({ kind: 'announcement', request, url })
  })
}

function tell(message: ToWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has no origin to name
  worker?.postMessage(message)
}

function settle<T>(waiting: Map<number, (answer: T) => void>, request: number, answer: T): void {
  waiting.get(request)?.(answer)
  waiting.delete(request)
}

/** One batch a frame; a hidden page has no frames, and its record goes on in the worker. */
function requestNext(): void {
  requestAnimationFrame(() => tell({ kind: 'frame' }))
}

function take(entries: readonly BatchEntry[], receiver: Receiver): void {
  const messages: Arrived[] = []
  const started: Watching[] = []
  let overflow = 0
  for (const entry of entries) {
    if (entry.kind === 'arrived') messages.push(entry)
    else if (entry.kind === 'overflow') overflow += entry.messages
    else if (entry.kind === 'watching') started.push(entry)
    else if (entry.kind === 'not-granted') receiver.notGranted(entry.filter, entry.reason)
    else if (entry.kind === 'send') receiver.sendChanged(entry)
    else {
      const before = link.value
      link.value = entry
      receiver.linkChanged(entry, before)
    }
  }
  if (messages.length > 0 || overflow > 0) receiver.arrived(messages, overflow)
  for (const { filter, isResumed } of started) receiver.watching(filter, isResumed)
}
