import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Clock } from '../../src/base/clock.ts'
import { TopicRates } from '../../src/topics/topic-rates.ts'
import { BYTES, HOT_FLOATS, LAST_AT_MS, MESSAGES, TopicRecords } from '../../src/topics/topic-records.ts'
import { runs } from '../support/runs.ts'

const WINDOW_MS = 10_000
const START_MS = 1_800_000_000_000

class SetClock extends Clock {
  override turnMs = START_MS
}

/** From a list of all events: those of the window that `nowMs` is in, and of the one before by its share that is left. */
function expectedRate(events: readonly { atMs: number; count: number }[], nowMs: number): number {
  const startMs = Math.floor(nowMs / WINDOW_MS) * WINDOW_MS
  const share = 1 - (nowMs - startMs) / WINDOW_MS
  let sum = 0
  for (const { atMs, count } of events) {
    if (atMs >= startMs) sum += count
    else if (atMs >= startMs - WINDOW_MS) sum += count * share
  }
  return (sum * 1000) / WINDOW_MS
}

test('TopicRates has the messages and bytes of about the last ten seconds, whenever they came, also past 32 bits', () => {
  const step = fc.record({
    afterMs: fc.constantFrom(0, 1, 900, 4000, 9999, 10_000, 25_000),
    count: fc.nat({ max: 50 }),
  })
  const property = fc.property(
    fc.array(step, { maxLength: 60, size: 'max' }),
    fc.nat({ max: 30_000 }),
    (steps, laterMs) => {
      const clock = new SetClock()
      const records = new TopicRecords(1)
      const rates = new TopicRates(records, clock)
      const number = records.take()
      const { floats } = records
      // What a busy topic has had long ago.
      floats[number * HOT_FLOATS + BYTES] = 2 ** 40 - 1000
      const messages: { atMs: number; count: number }[] = []
      const bytes: typeof messages = []
      for (const { afterMs, count } of steps) {
        clock.turnMs += afterMs
        rates.turn()
        if (records.lastAtMs(number) < rates.windowStartMs) rates.roll(number)
        floats[number * HOT_FLOATS + MESSAGES] = records.messages(number) + count
        floats[number * HOT_FLOATS + BYTES] = records.bytes(number) + 100 * count
        floats[number * HOT_FLOATS + LAST_AT_MS] = clock.turnMs
        messages.push({ atMs: clock.turnMs, count })
        bytes.push({ atMs: clock.turnMs, count: 100 * count })
        expect(rates.messagesPerSecond(number, clock.turnMs)).toBeCloseTo(expectedRate(messages, clock.turnMs))
      }
      const nowMs = clock.turnMs + laterMs
      expect(rates.messagesPerSecond(number, nowMs)).toBeCloseTo(expectedRate(messages, nowMs))
      expect(rates.bytesPerSecond(number, nowMs)).toBeCloseTo(expectedRate(bytes, nowMs))
      if (laterMs >= 2 * WINDOW_MS) expect(rates.messagesPerSecond(number, nowMs)).toBe(0)
    },
  )
  fc.assert(property, { numRuns: runs(200) })
})
