import { readDurationMs } from '../base/durations.ts'
import type { HistoryPosition } from './history-view.ts'
import { POSITION_FORMS } from './position-forms.ts'

/** Clocks differ, but not by more. */
const MAX_AHEAD_MS = 86_400_000

/** A position in the past as people write it; or what is wrong with it. */
export function readPosition(text: string, nowMs: number): HistoryPosition | string {
  const [, sequence] = /^seq:(\d{1,15})$/.exec(text) ?? []
  if (sequence !== undefined) return { sequence: Number(sequence) }
  const agoMs = readDurationMs(text)
  if (agoMs !== undefined) return { atMs: Math.max(0, nowMs - agoMs) }
  const atMs = /^\d{1,15}$/.test(text) ? Number(text) : /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isFinite(atMs) || atMs < 0) return `it must be ${POSITION_FORMS}`
  return atMs > nowMs + MAX_AHEAD_MS ? 'it lies more than a day in the future' : { atMs }
}
