import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runKill } from './kill.ts'
import { runReconnect } from './reconnect.ts'
import { openWorkshop, SEED } from './short-form.ts'
import { runSlowSubscriber } from './slow-subscriber.ts'

// What hubs go through with a crowd of clients, in the short form of `npm run torture`.
const PACE = { messagesPerSecond: 200, windowMessages: 20 }

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

test('A hub keeps order, counts and its other clients when two subscribers stop reading', async () => {
  const { counted, faults } = await runSlowSubscriber({ workshop: openWorkshop(), seconds: 4, seed: SEED })
  expect(faults, JSON.stringify(counted)).toEqual([])
})

test('A hub takes back 1,000 kept clients at once and owes them nothing', async () => {
  const { counted, faults } = await runReconnect({ workshop: openWorkshop(), clients: 1000, seed: SEED })
  expect(faults, JSON.stringify(counted)).toEqual([])
})
