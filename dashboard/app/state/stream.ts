import { signal } from '@preact/signals'
import type { Arrived } from '../../worker/protocol.ts'
import { isSameDay } from './days.ts'
import { isNews } from './news.ts'
import { count, foldInto, isEqual, MAX_FOLDED, type MessageRow, nameOf, type Note, type Row } from './rows.ts'
import { ownOf, replyAtMsOf, type Send } from './sends.ts'

/** What a device measures: one line that changes, not a message each. */
const TELEMETRY = /^devices\/[^/]+\/telemetry$/
/** The list lets go of its oldest rows at so many, while the newest is looked at. */
const MAX_ROWS = 20_000
const ROWS_AFTER_TRIM = 15_000
/** While older ones are read nothing is taken away; then this is the end. */
const MAX_ROWS_READING = 60_000
/** Of what comes after the first `MAX_ROWS` of a pause, so many of the last are held as well. */
const MAX_TAIL = 1000

/** A hole in the stream, between messages that it has. */
export interface Hole {
  readonly after: readonly Arrived[]
  readonly before: readonly Arrived[]
  readonly messages: number
}

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
  /** Where that row is to stand. */
  startAlign: 'start' | 'center' = 'center'
  isAtEnd = true
  /** The oldest rows were let go: what is older than the first is not what was read before. */
  isTrimmed = false
  /** Newest rows have the highest keys, older ones from history go below zero. */
  #nextKey = 1
  #olderKey = -1
  /** What came during a pause: the first, the last, and how many came between them. */
  #held: Arrived[] = []
  #tail: Arrived[] = []
  #lost = 0
  /** What history is asked for: the rest of a pause, or what came in an outage. */
  #filling: 'hole' | 'gap' | undefined = undefined
  #second: number[] = []
  readonly #isTelemetryFolded: boolean

  constructor(isTelemetryFolded = false) {
    this.#isTelemetryFolded = isTelemetryFolded
  }

  append(messages: readonly Arrived[], overflow: number): void {
    this.#countRate(messages.length + overflow)
    if (this.isPaused.value) this.unseen.value += messages.length + overflow
    if (this.isPaused.value || this.#filling !== undefined) this.#hold(messages, overflow)
    else this.#take(messages, overflow)
  }

  #hold(messages: readonly Arrived[], overflow: number): void {
    const isFull = this.#tail.length > 0 || this.#lost > 0
    const room = isFull ? 0 : MAX_ROWS - this.#held.length
    for (const message of messages.slice(0, room)) this.#held.push(message)
    for (const message of messages.slice(room)) this.#tail.push(message)
    this.#lost += overflow + this.#tail.splice(0, overflow > 0 ? Infinity : this.#tail.length - MAX_TAIL).length
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
    // After a trim an answer may still be there whose command is not.
    const withReply = new Set(this.rows.flatMap((row) => (row.kind === 'reply' ? [row.send] : [])))
    const older: Row[] = []
    let answered: { readonly send: Send; readonly replyAtMs: number }[] = []
    const addReplies = (untilMs: number): void => {
      const due = answered.filter(({ replyAtMs }) => replyAtMs < untilMs)
      if (due.length === 0) return
      answered = answered.filter(({ replyAtMs }) => replyAtMs >= untilMs)
      due.sort((one, other) => one.replyAtMs - other.replyAtMs)
      for (const { send } of due) older.push({ kind: 'reply', key: this.#olderKey--, send })
    }
    for (const message of messages.toReversed()) {
      if (known.has(message.receipt ?? '')) continue
      addReplies(message.atMs)
      const last = older.at(-1)
      if (this.#isFolding(message) && last?.kind === 'message' && last.folded !== undefined) {
        if (last.message.topic === message.topic && isSameDay(last.message.atMs, message.atMs)) {
          foldInto(last, message)
          continue
        }
      }
      const send = ownOf(message)
      older.push(this.#rowOf(message, send, this.#olderKey--))
      if (send === undefined || withReply.has(send)) continue
      const replyAtMs = replyAtMsOf(send.steps.peek())
      if (replyAtMs !== undefined) answered.push({ send, replyAtMs })
    }
    addReplies(Infinity)
    const [first] = this.rows
    const last = older.at(-1)
    if (first?.kind === 'message' && last?.kind === 'message' && first.message.topic === last.message.topic) {
      const isOneDay = isSameDay(first.message.atMs, last.message.atMs)
      if (first.folded !== undefined && last.folded !== undefined && isOneDay) {
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

  /** Begins at the first message that was said at a time or later, else at the newest. */
  beginAfter(atMs: number): void {
    this.startAlign = 'start'
    this.startKey.value = this.rows.find((row) => row.kind === 'message' && row.message.atMs >= atMs)?.key
    this.isAtEnd = this.startKey.value === undefined
  }

  /** Takes the line above the unread messages away. */
  markRead(): void {
    const before = this.rows.length
    this.rows = this.rows.filter((row) => row.kind !== 'note' || row.note.kind !== 'unread')
    if (this.rows.length !== before) this.version.value++
  }

  /** The oldest messages that are shown, when what history has before them is to be looked for; asks once. */
  takeTrimmedAt(): readonly Arrived[] | undefined {
    if (!this.isTrimmed) return undefined
    this.isTrimmed = false
    return this.rows.slice(0, MAX_TAIL).flatMap((row) => {
      if (row.kind !== 'message') return []
      return row.folded ?? Array.from({ length: row.times }, () => row.message)
    })
  }

  /** When the oldest message that is shown was said; 0 when there is none. */
  get oldestAtMs(): number {
    const first = this.rows.find((row) => row.kind === 'message')
    return first?.folded?.[0]?.atMs ?? first?.message.atMs ?? 0
  }

  /** What is shown of the time since `fromMs`, as often as it is there: to leave out of what history has. */
  shownSince(fromMs: number, isHeldToo = false): Map<string, number> {
    const shown = new Map<string, number>()
    for (let index = this.rows.length - 1; index >= 0; index--) {
      const row = this.rows[index]
      if (row?.kind !== 'message') continue
      if (row.message.atMs < fromMs) break
      if (row.folded === undefined) count(shown, row.message, row.times)
      else for (const message of row.folded) if (message.atMs >= fromMs) count(shown, message, 1)
    }
    if (isHeldToo) for (const message of this.#held) if (message.atMs >= fromMs) count(shown, message, 1)
    return shown
  }

  pause(): void {
    this.isPaused.value = true
  }

  /** Ends a pause. When more came than is held, nothing more is shown until somebody calls `fill`. */
  goOn(): Hole | undefined {
    this.isPaused.value = false
    this.unseen.value = 0
    if (this.#filling === 'hole') return undefined
    const held = this.#held
    this.#held = []
    this.#take(held, 0)
    if (this.#lost === 0) {
      this.#showHeld()
      return undefined
    }
    this.#filling = 'hole'
    const hole = { after: held.slice(-MAX_TAIL), before: this.#tail, messages: this.#lost }
    this.#held = [...this.#tail]
    this.#tail = []
    this.#lost = 0
    return hole
  }

  /** What comes from now on is held until `fill`, so that it stands below what history has. */
  startFill(): void {
    this.#filling ??= 'gap'
  }

  /** Puts into the hole what history has of it; `note` says what is still missing, `withoutThese` leaves it out of what is held. */
  fill(
    messages: readonly Arrived[],
    note: Note | undefined,
    withoutThese: (held: readonly Arrived[]) => readonly Arrived[] = (held) => held,
  ): void {
    this.#filling = undefined
    this.#held = [...withoutThese(this.#held)]
    // What is held may be from before what history tells of, and from after it.
    if (this.isPaused.value) this.#held = [...this.#held, ...messages].toSorted((one, other) => one.atMs - other.atMs)
    else this.#take(messages, 0)
    if (note !== undefined) this.note(note)
    if (!this.isPaused.value) this.#showHeld()
  }

  #showHeld(): void {
    const held = [...this.#held, ...this.#tail]
    const lost = this.#lost
    this.#held = []
    this.#tail = []
    this.#lost = 0
    this.#take(held, lost)
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
    if (last?.kind === 'message' && send === undefined && isSameDay(last.message.atMs, message.atMs)) {
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
    if (!this.isAtEnd || this.rows.length <= MAX_ROWS) return
    this.rows.splice(0, this.rows.length - ROWS_AFTER_TRIM)
    this.isTrimmed = true
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
