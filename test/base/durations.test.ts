import { describe, expect, test } from 'vitest'
import { readDurationMs } from '../../src/base/durations.ts'
import { readPosition } from '../../src/admin/history-position.ts'
import { readHistoryFilter } from '../../src/protocol/history-filter.ts'

const NOW_MS = Date.UTC(2026, 0, 31)
const LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32 }

describe.each([
  ['0s', 0],
  ['30s', 30_000],
  ['15m', 900_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
])('%s', (text, ms) => {
  test('is a duration', () => {
    expect(readDurationMs(text)).toBe(ms)
  })

  test('is how long ago in "--since" and in queries', () => {
    expect(readPosition(text, NOW_MS)).toEqual({ atMs: NOW_MS - ms })
  })

  test('is how much of the past in "$history/…"', () => {
    expect(readHistoryFilter(`$history/${text}/a`, LIMITS)).toEqual({ start: { ms }, filter: 'a' })
  })
})

describe.each(['', 's', '-1s', '1.5h', '1 h', '1y', '1ms', '1S', '1234567890123d'])('%j', (text) => {
  test('is no duration, neither in "--since" nor in "$history/…"', () => {
    expect(readDurationMs(text)).toBe(undefined)
    expect(readPosition(text, NOW_MS)).toMatch(/^it must be a time/)
    expect(readHistoryFilter(`$history/${text}/a`, LIMITS)).toMatch(/^how much of the past/)
  })
})

test('A duration longer than time itself reaches back to 1970, or as far as a history can', () => {
  expect(readPosition('999999999999w', NOW_MS)).toEqual({ atMs: 0 })
  expect(readHistoryFilter('$history/999999999999w/a', LIMITS)).toMatchObject({ start: { ms: 36_500 * 86_400_000 } })
})
