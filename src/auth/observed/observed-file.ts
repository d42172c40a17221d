import { createReadStream } from 'node:fs'
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { ROLES } from '../identity.ts'
import type { Observed, Sighting } from './observed.ts'

/** In the data folder. */
export const OBSERVED_FILE = 'observed.ndjson'

const MODE = 0o600
const ROWS_AT_ONCE = 500
const MAX_LINE_CHARACTERS = 300_000

/** Writes all rows as NDJSON, some at a time, so that others get their turn. The file is as before or as now, never in between. */
export async function writeObserved(path: string, observed: Observed): Promise<void> {
  const temporary = `${path}.tmp`
  const rows = [...observed.rows()]
  await mkdir(dirname(path), { recursive: true })
  const file = await open(temporary, 'w', MODE)
  try {
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
      await file.write(
        rows
          .slice(at, at + ROWS_AT_ONCE)
          .map(lineOf)
          .join(''),
      )
    }
  } catch (error) {
    await file.close()
    await unlink(temporary)
    throw error
  }
  await file.close()
  await rename(temporary, path)
}

/** Reads what was written, if anything was; lines that are none are left out. Gives how many were. */
export async function readObserved(path: string, observed: Pick<Observed, 'add'>): Promise<number> {
  let faulty = 0
  const input = createReadStream(path)
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const row = rowOf(line)
      if (row === undefined) faulty++
      else observed.add(row)
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  return faulty
}

function lineOf({ user, clientId, groups, role, host, listener, action, topic, ...rest }: Sighting): string {
  const { maxQos, isRetained, isAllowed, count, firstAtMs, lastAtMs } = rest
  const when = { first: Math.round(firstAtMs), last: Math.round(lastAtMs) }
  return `${JSON.stringify({ user, client: clientId, groups, role, host, listener, action, topic, qos: maxQos, retain: isRetained, allowed: isAllowed, count, ...when })}\n`
}

function rowOf(line: string): Sighting | undefined {
  if (line.length > MAX_LINE_CHARACTERS) return undefined
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof read !== 'object' || read === null) return undefined
  const fields = new Map<string, unknown>(Object.entries(read))
  const text = (name: string): string | undefined => {
    const value = fields.get(name)
    return typeof value === 'string' ? value : undefined
  }
  const time = (name: string): number => Number(fields.get(name))
  const groups = fields.get('groups')
  const action = fields.get('action')
  const topic = text('topic')
  const maxQos = fields.get('qos')
  if ((action !== 'publish' && action !== 'subscribe') || topic === undefined) return undefined
  if (maxQos !== 0 && maxQos !== 1 && maxQos !== 2) return undefined
  if (![time('first'), time('last'), time('count')].every(Number.isFinite)) return undefined
  return {
    user: text('user'),
    clientId: text('client'),
    groups: Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [],
    role: ROLES.find((role) => role === fields.get('role')),
    host: text('host') ?? '',
    listener: text('listener') ?? '',
    action,
    topic,
    maxQos,
    isRetained: fields.get('retain') === true,
    isAllowed: fields.get('allowed') === true,
    count: time('count'),
    firstAtMs: time('first'),
    lastAtMs: time('last'),
  }
}
