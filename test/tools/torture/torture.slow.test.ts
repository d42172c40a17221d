import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { runClock } from './clock.ts'
import { runCorrupt } from './corrupt.ts'
import { runDiskFull } from './disk-full.ts'
import { runKill } from './kill.ts'
import { runReconnect } from './reconnect.ts'
import { runSlowSubscriber } from './slow-subscriber.ts'
import { Workshop } from './workshop.ts'

// The short form of `npm run torture`. The seed is of today, so that every day tries something else; it is in the counts.
const SEED = Math.floor(Date.now() / 86_400_000)
const DAY_MS = 86_400_000
const PACE = { messagesPerSecond: 200, windowMessages: 20 }

beforeAll(async () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/tools/torture'], {
    cwd: root,
  })
})

function openWorkshop(): Workshop {
  const workshop = new Workshop(false)
  onTestFinished(async () => workshop.close())
  return workshop
}

test('The torture finds lost sessions, messages and retained messages of a hub that is killed and has no disk', async () => {
  const options = { seed: SEED, publishers: 3, pace: PACE, quietMs: 400, storeArgs: ['--data', 'memory'] }
  const { faults } = await runKill({ ...options, workshop: openWorkshop(), kills: 2 })
  const kinds = faults.map((fault) => fault.slice(0, fault.indexOf(':')))
  expect(kinds).toEqual(expect.arrayContaining(['session lost', 'missing', 'retained too old']))
})

test('A hub that is killed again and again loses nothing it acknowledged, doubles nothing at QoS 2 and keeps order', async () => {
  const workshop = openWorkshop()
  const storeArgs = ['--data', join(workshop.folder, 'data')]
  const { counted, faults } = await runKill({
    workshop,
    kills: 8,
    seed: SEED,
    publishers: 3,
    pace: PACE,
    quietMs: 400,
    storeArgs,
  })
  expect(faults, JSON.stringify(counted)).toEqual([])
})

test('A hub starts with a damaged store, and says what it did with it', async () => {
  const { counted, faults } = await runCorrupt({ workshop: openWorkshop(), rounds: 4, seed: SEED, durability: 'disk' })
  expect(faults, JSON.stringify(counted)).toEqual([])
})

test('A hub on a full disk acknowledges nothing it cannot keep, and goes on by itself when there is room', async (context) => {
  const outcome = await runDiskFull({ workshop: openWorkshop(), seed: SEED, durability: 'disk' })
  if (outcome.skipped !== undefined) context.skip(outcome.skipped)
  expect(outcome.faults, JSON.stringify(outcome.counted)).toEqual([])
})

test('A hub keeps order, counts and its other clients when two subscribers stop reading', async () => {
  const { counted, faults } = await runSlowSubscriber({ workshop: openWorkshop(), seconds: 4, seed: SEED })
  expect(faults, JSON.stringify(counted)).toEqual([])
})

test('A hub takes back 1,000 kept clients at once and owes them nothing', async () => {
  const { counted, faults } = await runReconnect({ workshop: openWorkshop(), clients: 1000, seed: SEED })
  expect(faults, JSON.stringify(counted)).toEqual([])
})

test('A hub keeps time by a clock that does not jump', async () => {
  const jumpsMs = [DAY_MS, -2 * DAY_MS]
  const { counted, faults } = await runClock({ workshop: openWorkshop(), jumpsMs, seed: SEED })
  expect(faults, JSON.stringify(counted)).toEqual([])
})
