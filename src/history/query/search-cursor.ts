import { createHash } from 'node:crypto'
import { queryError } from './query-error.ts'

/** Where an entry stands among all others: by its time, then by its sequence number. */
export interface Place {
  readonly atMs: number
  readonly sequence: number
}

/** 'previous': to what is older, and shown oldest first. */
export type Direction = 'newest' | 'oldest' | 'previous'

const DIRECTIONS: readonly Direction[] = ['newest', 'oldest', 'previous']

/** Where a query goes on: behind the entry of `place`, which may be gone by then. */
export interface Cursor {
  readonly direction: Direction
  readonly place: Place
}

/** What cursors of one query have in common, made of its conditions. */
export function fingerprint(conditions: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(conditions)).digest('base64url').slice(0, 8)
}

export function encodeCursor({ direction, place }: Cursor, print: string): string {
  const parts = [DIRECTIONS.indexOf(direction), place.atMs, place.sequence, print]
  return Buffer.from(parts.join(' ')).toString('base64url')
}

/** @throws HubbubError `HISTORY_QUERY_INVALID` */
export function decodeCursor(text: string, print: string): Cursor {
  const parts = Buffer.from(text, 'base64url').toString('latin1').split(' ')
  const [index = -1, atMs = Number.NaN, sequence = Number.NaN] = parts.slice(0, 3).map(Number)
  const direction = DIRECTIONS[index]
  if (direction === undefined || !Number.isFinite(atMs) || !Number.isSafeInteger(sequence) || parts.length !== 4) {
    throw queryError('cursor', `must be one that a page came with, it is ${JSON.stringify(text.slice(0, 100))}`)
  }
  if (parts[3] !== print) throw queryError('cursor', 'must be one of the same query, it is one of another')
  return { direction, place: { atMs, sequence } }
}

/** Below zero: `a` comes before `b`. */
export function comparePlaces(a: Place, b: Place): number {
  return a.atMs === b.atMs ? a.sequence - b.sequence : a.atMs - b.atMs
}
