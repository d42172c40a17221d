import { expect, test } from 'vitest'
import { runHogs } from './hogs.ts'
import { openWorkshop } from './short-form.ts'

// What single clients take of a hub with little memory, in the short form of `npm run torture -- hogs`.
const SECONDS = 2
const HEAP_MEGABYTES = 64

test('No client ends a hub that has little memory, takes more than its bound, or loses what two others say', async () => {
  const { faults, table } = await runHogs({
    workshop: openWorkshop(),
    amounts: {
      'retained, QoS 1': 10_000,
      subscriptions: 100_000,
      'half packets': 60,
      'queues of clients away': 40_000,
      'HTTP queries': 0,
    },
    seconds: SECONDS,
    heapMegabytes: HEAP_MEGABYTES,
    isControlWanted: false,
  })
  expect(faults, table).toEqual([])
}, 120_000)
