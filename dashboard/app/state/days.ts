import type { Row } from './rows.ts'
import { replyAtMsOf } from './sends.ts'

/** The local day that was looked up last: most messages are of it, or of the one beside it. */
let day = { fromMs: 0, toMs: 0 }

/** When the local day of a time began. */
export function dayOf(atMs: number): number {
  if (atMs < day.fromMs || atMs >= day.toMs) {
    const at = new Date(atMs)
    const [year, month, date] = [at.getFullYear(), at.getMonth(), at.getDate()]
    day = { fromMs: new Date(year, month, date).getTime(), toMs: new Date(year, month, date + 1).getTime() }
  }
  return day.fromMs
}

export function isSameDay(one: number, other: number): boolean {
  return dayOf(one) === dayOf(other)
}

/** When what stands in a row was said; undefined of a line about the stream itself. */
export function saidAtMs(row: Row | undefined): number | undefined {
  if (row === undefined || row.kind === 'note') return undefined
  if (row.kind === 'message') return row.message.atMs
  const answeredAtMs = row.kind === 'reply' ? replyAtMsOf(row.send.steps.peek()) : undefined
  return answeredAtMs ?? row.send.atMs
}

/**
 * The day that begins after a row, between it and the next; undefined where none does. Rows that come before or after these two change
 * nothing of it, so that what one reads stays where it is.
 */
export function dayAfter(rows: readonly Row[], index: number): number | undefined {
  const nextMs = saidAtMs(rows[index + 1])
  if (nextMs === undefined) return undefined
  let at = index
  while (at > 0 && saidAtMs(rows[at]) === undefined) at--
  const beforeMs = saidAtMs(rows[at])
  return beforeMs === undefined || isSameDay(beforeMs, nextMs) ? undefined : dayOf(nextMs)
}

/** The day of a row, or of the first after it that has one. */
export function dayAt(rows: readonly Row[], index: number): number | undefined {
  for (let at = index; at < rows.length; at++) {
    const atMs = saidAtMs(rows[at])
    if (atMs !== undefined) return dayOf(atMs)
  }
  return undefined
}
