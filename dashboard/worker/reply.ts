import { startOf, visible } from './visible.ts'

/** Why a device did not do what it was told. */
export interface Refusal {
  /** A short name for programs. */
  readonly code: string | undefined
  /** Its own words. */
  readonly message: string | undefined
}

/** Of what a device says of it. */
const MAX_TEXT = 300
/** Members that say yes or no. */
const VERDICTS = ['ok', 'success'] as const
const FAILED: ReadonlySet<unknown> = new Set(['error', 'failed', 'failure', 'refused', 'rejected', 'denied'])
/** Members that say why, the most telling first. */
const REASONS = ['message', 'reason', 'description', 'detail'] as const

/**
 * Reads whether a reply says no: `{"ok": false, …}`, `{"success": false, …}`, `{"status": "error", …}`, or one with an `error`, as JSON-RPC,
 * zigbee2mqtt and the devices of Hubbub have it. Undefined for every other reply.
 */
export function refusalIn(reply: string): Refusal | undefined {
  const all = parse(reply)
  if (all === undefined) return undefined
  const { error } = all
  const verdict = VERDICTS.map((name) => all[name]).find((value) => typeof value === 'boolean')
  const isNamed = error !== undefined && error !== null && error !== false && error !== ''
  const isRefusal = verdict === undefined ? isNamed || isFailed(all['status']) : !verdict
  if (!isRefusal) return undefined
  const inner = isRecord(error) ? error : {}
  const reasons = [...REASONS.map((name) => inner[name]), error, ...REASONS.map((name) => all[name])]
  return {
    code: textOf(inner['code']) ?? textOf(all['code']),
    message: reasons.map(wordsOf).find((text) => text !== undefined),
  }
}

function isFailed(status: unknown): boolean {
  return FAILED.has(typeof status === 'string' ? status.toLowerCase() : status)
}

function wordsOf(value: unknown): string | undefined {
  return typeof value === 'string' ? textOf(value) : undefined
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const text = visible(startOf(value, MAX_TEXT))
  return value.length > MAX_TEXT ? `${text}…` : text
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
