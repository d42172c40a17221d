import { jsonRows, type Rows } from './json-rows.ts'
import type { JsonPath, PayloadRow } from './protocol.ts'

/** Values that are compared; what is behind them is not. */
const MAX_ROWS = 5000

/** What is other in a JSON text than in the one before it: a row for each value that came, went or changed. */
export function compareJson(text: string, before: string): Rows {
  const now = leavesOf(text)
  const then = leavesOf(before)
  const rows: PayloadRow[] = []
  for (const [place, row] of now.leaves) {
    const old = then.leaves.get(place)
    if (old === undefined) rows.push(rowOf('added', row, row.text))
    else if (old.text !== row.text) rows.push(rowOf('changed', row, `${old.text} → ${row.text}`))
  }
  for (const [place, row] of then.leaves) if (!now.leaves.has(place)) rows.push(rowOf('removed', row, row.text))
  return { rows, left: now.left }
}

/** The number at a path of a JSON value; null where there is none. */
export function numberAt(value: unknown, path: JsonPath): number | null {
  let inner = value
  for (const step of path) {
    if (typeof inner !== 'object' || inner === null) return null
    const members: Readonly<Record<string, unknown>> = { ...inner }
    inner = Object.hasOwn(members, step) ? members[step] : undefined
  }
  return typeof inner === 'number' && Number.isFinite(inner) ? inner : null
}

function leavesOf(text: string): { leaves: Map<string, PayloadRow>; left: number } {
  const { rows, left } = jsonRows(text, MAX_ROWS)
  const leaves = new Map<string, PayloadRow>()
  let pathless = 0
  for (const row of rows) {
    if (row.type === 'open' || row.type === 'close') continue
    // What is too deep for a path is compared in its order.
    leaves.set(row.path === undefined ? `${row.key} ${pathless++}` : JSON.stringify(row.path), row)
  }
  return { leaves, left }
}

function rowOf(type: PayloadRow['type'], { key, path }: PayloadRow, text: string): PayloadRow {
  return path === undefined ? { depth: 0, key, text, type } : { depth: 0, key: path.join(' › '), text, type, path }
}
