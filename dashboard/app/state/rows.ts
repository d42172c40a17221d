import type { Arrived } from '../../worker/protocol.ts'
import type { Send } from './sends.ts'

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
  /** `fromHistory`: undefined when history could not be asked. */
  | {
      readonly kind: 'outage'
      readonly fromMs: number
      readonly toMs: number
      readonly fromHistory: number | undefined
    }
  | { readonly kind: 'not-shown'; readonly messages: number }
  | { readonly kind: 'unread'; readonly messages: number }
  /** Between what was jumped to and now. */
  | { readonly kind: 'gap' }

export type Row = MessageRow | SentRow | ReplyRow | NoteRow

/** So many of a folded line are kept for its little chart. */
export const MAX_FOLDED = 200

/** Adds a newer one to a line of telemetry. */
export function foldInto(row: MessageRow, message: Arrived): void {
  row.message = message
  row.times++
  row.folded?.push(message)
  if ((row.folded?.length ?? 0) > MAX_FOLDED) row.folded?.shift()
}

export function count(shown: Map<string, number>, message: Arrived, times: number): void {
  const name = nameOf(message)
  shown.set(name, (shown.get(name) ?? 0) + times)
}

/** Equal names: the same message, as far as one can see. */
export function nameOf({ topic, hash, bytes, qos }: Arrived): string {
  return `${topic}\n${hash} ${bytes} ${qos}`
}

/** Whether one line can stand for both. */
export function isEqual(one: Arrived, other: Arrived): boolean {
  return (
    // Of two that begin alike nobody knows, unless all of both is here.
    one.wholeHash !== undefined &&
    one.wholeHash === other.wholeHash &&
    one.bytes === other.bytes &&
    one.topic === other.topic &&
    one.qos === other.qos &&
    one.retain === other.retain &&
    one.receipt === undefined
  )
}
