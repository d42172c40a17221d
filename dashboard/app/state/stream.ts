import { signal } from '@preact/signals'
import type { Arrived } from '../../worker/protocol.ts'
import { isNews } from './news.ts'
import { ownOf, type Send } from './sends.ts'

/** A message, or equal ones in a row, or what a device measures again and again. */
export interface MessageRow {
  readonly kind: 'message'
  readonly key: number
  /** The newest of them. */
  message: Arrived
  /** Of this page, when it is. */
  readonly send: Send | undefined
  times: number
  /** The last of the telemetry that is folded to this line, the oldest first; undefined for all other messages. */
  readonly folded: Arrived[] | undefined
}

/** What a device answered to a command of this page. */
export interface ReplyRow {
  readonly kind: 'reply'
  readonly key: number
  readonly send: Send
}

/** A message of this page that did not come back (yet). */
export interface SentRow {
  readonly kind: 'sent'
  readonly key: number
  readonly send: Send
}

/** Something to know about the stream itself. */
export interface NoteRow {
  readonly kind: 'note'
  readonly key: number
  readonly note: Note
}

export type Note =
  | { readonly kind: 'outage'; readonly fromMs: number; readonly toMs: number; readonly fromHistory: number }
  | { readonly kind: 'not-shown'; readonly messages: number }
  | { readonly kind: 'unread'; readonly messages: number }
  /** Between what was jumped to and now. */
  | { readonly kind: 'gap' }

export type Row = MessageRow | SentRow | ReplyRow | NoteRow

/** What a device measures: one line that changes, not a message each. */
const TELEMETRY = /^devices\/[^/]+\/telemetry$/
/** So many of a folded line are kept for its little chart. */
const MAX_FOLDED = 200

/** The list lets go of its oldest rows at so many, while the newest is looked at. */
const MAX_ROWS = 20_000
const ROWS_AFTER_TRIM = 15_000
/** While older ones are read nothing is taken away; then this is the end. */
const MAX_ROWS_READING = 60_000

/** The rows of the open conversation. */
export class Stream {
  rows: Row[] = []
  /** Grows with each change of the rows. */
  readonly version = signal(0)
  /** Rows that came while the newest was out of sight. */
  readonly unseen = signal(0)
  readonly isPaused = signal(false)
  /** Messages of the last second. */
  readonly rate = signal(0)
  /** The row to begin at instead of the newest. */
  readonly startKey = signal<number | undefined>(undefined)
  isAtEnd = true
  /** Newest rows have the highest keys, older ones from history go below zero. */
  #nextKey = 1
  #olderKey = -1
  #held: Arrived[] = []
  #notShown = 0
  #second: number[] = []
  readonly #isTelemetryFolded: boolean

  constructor(isTelemetryFolded = false) {
    this.#isTelemetryFolded = isTelemetryFolded
  }

  append(messages: readonly Arrived[], overflow: number): void {
    this.#countRate(messages.length + overflow)
    if (this.isPaused.value) {
      this.#held.push(...messages.slice(0, Math.max(0, MAX_ROWS - this.#held.length)))
      this.#notShown += overflow + Math.max(0, messages.length - (MAX_ROWS - this.#held.length))
      this.unseen.value += messages.length + overflow
      return
    }
    this.#take(messages, overflow)
  }

  #take(messages: readonly Arrived[], overflow: number): void {
    let added = 0
    let missed = overflow
    for (const message of messages) {
      if (this.rows.length >= MAX_ROWS_READING) missed++
      else if (this.#addMessage(message)) added++
    }
    if (missed > 0) this.note({ kind: 'not-shown', messages: missed })
    if (!this.isAtEnd) this.unseen.value += added
    this.#trim()
    this.version.value++
  }

  /** The answer to a command that was sent here. */
  addReply(send: Send): void {
    const isHere = this.rows.some((row) => row.kind !== 'note' && row.send === send)
    if (!isHere) return
    this.rows.push({ kind: 'reply', key: this.#nextKey++, send })
    this.version.value++
  }

  addSent(send: Send): void {
    this.rows.push({ kind: 'sent', key: this.#nextKey++, send })
    this.version.value++
  }

  note(note: Note): void {
    const last = this.rows.at(-1)
    if (note.kind === 'not-shown' && last?.kind === 'note' && last.note.kind === 'not-shown') {
      const messages = last.note.messages + note.messages
      this.rows[this.rows.length - 1] = { ...last, note: { kind: 'not-shown', messages } }
    } else this.rows.push({ kind: 'note', key: this.#nextKey++, note })
    this.version.value++
  }

  /** Older messages, the newest first. */
  prepend(messages: readonly Arrived[]): void {
    const known = new Set(this.rows.flatMap((row) => (row.kind === 'sent' ? [row.send.message.id] : [])))
    const older: Row[] = []
    for (const message of messages.toReversed()) {
      if (known.has(message.receipt ?? '')) continue
      const last = older.at(-1)
      if (this.#isFolding(message) && last?.kind === 'message' && last.folded !== undefined) {
        if (last.message.topic === message.topic) {
          foldInto(last, message)
          continue
        }
      }
      older.push(this.#rowOf(message, ownOf(message), this.#olderKey--))
    }
    const [first] = this.rows
    const last = older.at(-1)
    if (first?.kind === 'message' && last?.kind === 'message' && first.message.topic === last.message.topic) {
      if (first.folded !== undefined && last.folded !== undefined) {
        older.pop()
        first.times += last.times
        first.folded.unshift(...last.folded.slice(first.folded.length - MAX_FOLDED))
      }
    }
    this.rows = [...older, ...this.rows]
    this.version.value++
  }

  /** Says how many of the newest messages were not read, above the first of them, and begins there. */
  markUnread(messages: number): void {
    let left = messages
    for (let index = this.rows.length - 1; index >= 0 && left > 0; index--) {
      const row = this.rows[index]
      if (row?.kind !== 'message' || !isNews(row.message.topic)) continue
      left -= row.times
      if (left > 0) continue
      const key = this.#olderKey--
      this.rows.splice(index, 0, { kind: 'note', key, note: { kind: 'unread', messages } })
      this.startKey.value = key
      this.version.value++
    }
  }

  /** Begins at a message, or at what came next after it, and gives what stands there. */
  beginAt(message: Arrived): Arrived {
    const isLater = (row: Row): row is MessageRow => row.kind === 'message' && row.message.atMs >= message.atMs
    const isIt = (row: Row): row is MessageRow => isLater(row) && nameOf(row.message) === nameOf(message)
    const row = this.rows.find(isIt) ?? this.rows.find(isLater)
    this.startKey.value = row?.key
    this.isAtEnd = false
    return row?.message ?? message
  }

  /** Takes the line above the unread messages away. */
  markRead(): void {
    const before = this.rows.length
    this.rows = this.rows.filter((row) => row.kind !== 'note' || row.note.kind !== 'unread')
    if (this.rows.length !== before) this.version.value++
  }

  /** When the oldest message that is shown was said; 0 when there is none. */
  get oldestAtMs(): number {
    const first = this.rows.find((row) => row.kind === 'message')
    return first?.folded?.[0]?.atMs ?? first?.message.atMs ?? 0
  }

  /** What is shown of the time since `fromMs`, as often as it is there: to leave out of what history has. */
  shownSince(fromMs: number): Map<string, number> {
    const shown = new Map<string, number>()
    for (let index = this.rows.length - 1; index >= 0; index--) {
      const row = this.rows[index]
      if (row?.kind !== 'message') continue
      if (row.message.atMs < fromMs) break
      if (row.folded === undefined) count(shown, row.message, row.times)
      else for (const message of row.folded) if (message.atMs >= fromMs) count(shown, message, 1)
    }
    return shown
  }

  pause(isPaused: boolean): void {
    this.isPaused.value = isPaused
    if (isPaused) return
    const held = this.#held
    const notShown = this.#notShown
    this.#held = []
    this.#notShown = 0
    this.unseen.value = 0
    this.#take(held, notShown)
  }

  seeEnd(isAtEnd: boolean): void {
    this.isAtEnd = isAtEnd
    if (isAtEnd && !this.isPaused.value) this.unseen.value = 0
  }

  /** Counts down when nothing comes. */
  tickRate(): void {
    this.#countRate(0)
  }

  /** Returns whether it is a row of its own. */
  #addMessage(message: Arrived): boolean {
    const send = ownOf(message)
    if (send !== undefined) {
      const index = this.rows.findLastIndex((row) => row.kind === 'sent' && row.send === send)
      if (index !== -1) {
        const { key } = this.rows[index] ?? { key: this.#nextKey++ }
        this.rows[index] = { kind: 'message', key, message, send, times: 1, folded: undefined }
        return false
      }
    }
    const last = this.rows.at(-1)
    if (last?.kind === 'message' && send === undefined) {
      if (last.folded !== undefined && last.message.topic === message.topic && this.#isFolding(message)) {
        foldInto(last, message)
        return false
      }
      if (last.folded === undefined && isEqual(last.message, message)) {
        last.times++
        return false
      }
    }
    this.rows.push(this.#rowOf(message, send, this.#nextKey++))
    return true
  }

  #isFolding(message: Arrived): boolean {
    return this.#isTelemetryFolded && TELEMETRY.test(message.topic)
  }

  #rowOf(message: Arrived, send: Send | undefined, key: number): MessageRow {
    const folded = send === undefined && this.#isFolding(message) ? [message] : undefined
    return { kind: 'message', key, message, send, times: 1, folded }
  }

  #trim(): void {
    if (this.isAtEnd && this.rows.length > MAX_ROWS) this.rows.splice(0, this.rows.length - ROWS_AFTER_TRIM)
  }

  #countRate(messages: number): void {
    const now = performance.now()
    const times = this.#second
    if (messages > 0) times.push(now, messages)
    while (times.length > 0 && (times[0] ?? 0) < now - 1000) times.splice(0, 2)
    let sum = 0
    for (let index = 1; index < times.length; index += 2) sum += times[index] ?? 0
    this.rate.value = sum
  }
}

/** Adds a newer one to a line of telemetry. */
function foldInto(row: MessageRow, message: Arrived): void {
  row.message = message
  row.times++
  row.folded?.push(message)
  if ((row.folded?.length ?? 0) > MAX_FOLDED) row.folded?.shift()
}

function count(shown: Map<string, number>, message: Arrived, times: number): void {
  const name = nameOf(message)
  shown.set(name, (shown.get(name) ?? 0) + times)
}

/** Equal names: the same message, as far as one can see. */
export function nameOf({ topic, hash, bytes, qos }: Arrived): string {
  return `${topic}\n${hash} ${bytes} ${qos}`
}

function isEqual(one: Arrived, other: Arrived): boolean {
  return (
    one.hash === other.hash &&
    one.bytes === other.bytes &&
    one.topic === other.topic &&
    one.qos === other.qos &&
    one.retain === other.retain &&
    one.receipt === undefined
  )
}
