import type { JsonPath, PayloadRow } from './protocol.ts'
import { startOf, visibleBlank } from './visible.ts'

/** A piece of text that is shown on one row. */
const MAX_TEXT = 2000
const MAX_DEPTH = 200
/** Values that are deeper, or below longer names, have no path: with each of its rows it would be sent to the page. */
const MAX_PATH = 32
const MAX_PATH_CHARACTERS = 1000
const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null))/gy

/** Rows of a tree, and how many bytes of the text were not looked at. */
export interface Rows {
  readonly rows: PayloadRow[]
  readonly left: number
}

/**
 * A JSON text as the rows of a tree, each value as it was written: `1.10` stays `1.10`, and a number of 30 digits keeps them all.
 * It reads `maxRows` rows and no more, whatever the size, and does not recurse, however deep it is nested.
 */
export function jsonRows(text: string, maxRows: number): Rows {
  const rows: PayloadRow[] = []
  const token = new RegExp(TOKEN)
  let depth = 0
  let key = ''
  /** The string that turns out to be a key when a colon follows. */
  let pending: string | undefined
  /** For each open bracket where its next value stands: a name, or in an array how many there were. */
  const places: (string | number)[] = []
  const push = (type: PayloadRow['type'], value: string): void => {
    const row: PayloadRow = { depth: Math.min(depth, MAX_DEPTH), key, text: cut(value), type }
    const hasPath = type !== 'open' && type !== 'close' && depth <= MAX_PATH && isShort(places)
    rows.push(hasPath ? { ...row, path: [...places] } : row)
    key = ''
  }
  const settle = (): void => {
    if (pending !== undefined) push('string', pending)
    pending = undefined
  }
  while (rows.length < maxRows) {
    const at = token.lastIndex
    const match = token.exec(text)
    if (match === null) {
      settle()
      const rest = text.slice(at).trim()
      if (rest !== '') rows.push({ depth: 0, key: '', text: cut(rest), type: 'fault' })
      else if (rows.length === 0 && text !== '')
        rows.push({ depth: 0, key: '', text: visibleBlank(cut(text)), type: 'fault' })
      return { rows, left: 0 }
    }
    const [, mark, string, number, word] = match
    if (mark === ':') {
      key = pending === undefined ? '' : cut(pending.slice(1, -1))
      if (depth > 0 && depth <= MAX_PATH) places[depth - 1] = key
      pending = undefined
      continue
    }
    settle()
    if (string !== undefined) pending = string
    else if (number !== undefined) push('number', number)
    else if (word !== undefined) push('word', word)
    else if (mark === '{' || mark === '[') {
      push('open', mark)
      depth++
      if (depth <= MAX_PATH) places.push(mark === '[' ? 0 : '')
    } else if (mark === ',') {
      const { [depth - 1]: place } = places
      if (typeof place === 'number') places[depth - 1] = place + 1
    } else if (mark !== undefined) {
      depth = Math.max(0, depth - 1)
      places.length = Math.min(places.length, depth)
      push('close', mark)
    }
  }
  return { rows, left: Math.max(0, text.length - token.lastIndex) }
}

function isShort(path: JsonPath): boolean {
  return path.reduce((sum: number, place) => sum + String(place).length, 0) <= MAX_PATH_CHARACTERS
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${startOf(text, MAX_TEXT)}…` : text
}
