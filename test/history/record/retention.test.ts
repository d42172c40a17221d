import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { runs } from '../../support/runs.ts'
import { allPayloads, said, type Stage, type StageOptions, startHistory } from '../stage.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-retention-'))
afterAll(() => rmSync(parent, { recursive: true }))

const MAX_BYTES = 2 * 1024 ** 2

async function begin(options: StageOptions): Promise<Stage> {
  const stage = await startHistory(options)
  onTestFinished(() => stage.history.stop())
  return stage
}

/** Says so many messages of this size and removes what is too much, as the hub does every second. */
async function say({ history, clock }: Stage, topic: string, count: number, bytes: number): Promise<void> {
  for (let i = 0; i < count; i++) history.offer(said(topic, `${topic} ${i} `.padEnd(bytes, '.')))
  await history.stored()
  clock.pass(1000)
  await history.clearUp()
  await history.stored()
}

const PLACES = [
  ['in memory', () => undefined],
  ['on disk', () => mkdtempSync(join(parent, 'data-'))],
] as const

test.each(PLACES)('A full history %s takes from a camera, and what sensors said before it stays', async (_, place) => {
  const folder = place()
  const stage = await begin({ maxBytes: MAX_BYTES, ...(folder === undefined ? {} : { folder }) })
  for (let i = 0; i < 20; i++) await say(stage, `sensor/${i}`, 10, 60)
  for (let second = 0; second < 40; second++) {
    await say(stage, 'camera', 10, 20_000)
    await say(stage, 'door', 1, 20)
    expect(stage.history.snapshot().bytes).toBeLessThanOrEqual(MAX_BYTES)
  }
  for (let i = 0; i < 20; i++) expect(stage.history.topic(`sensor/${i}`)?.messages).toBe(10)
  expect(await allPayloads(stage.history, { filter: 'door', order: 'oldest' })).toHaveLength(40)
  const camera = stage.history.topic('camera')
  expect(camera?.messages).toBeGreaterThan(70)
  expect(camera?.messages).toBeLessThan(110)
  const newest = await allPayloads(stage.history, { filter: 'camera' })
  expect(newest[0]).toMatch(/^camera 9 /)
  expect(newest).toHaveLength(camera?.messages ?? 0)
})

test('A full history takes from what is said most often, too, and loses count of nothing', async () => {
  const folder = mkdtempSync(join(parent, 'data-'))
  const stage = await begin({ maxBytes: MAX_BYTES, folder })
  for (let i = 0; i < 20; i++) await say(stage, `sensor/${i}`, 10, 60)
  for (let second = 0; second < 15; second++) await say(stage, 'log', 2000, 100)
  expect(stage.history.snapshot().bytes).toBeLessThanOrEqual(MAX_BYTES)
  for (let i = 0; i < 20; i++) expect(stage.history.topic(`sensor/${i}`)?.messages).toBe(10)
  const log = stage.history.topic('log')
  expect(log?.messages).toBeGreaterThan(5000)
  await stage.history.stop()
  const again = await begin({ maxBytes: MAX_BYTES, folder, clock: stage.clock })
  expect(again.history.topic('log')).toEqual(log)
  for (let i = 0; i < 20; i++) expect(await allPayloads(again.history, { filter: `sensor/${i}` })).toHaveLength(10)
  await again.history.stored()
  again.clock.pass(8 * 24 * 3_600_000)
  await again.history.clearUp()
  expect(again.history.snapshot()).toMatchObject({ bytes: 0, messages: 0, topics: 0 })
})

test('A full history keeps the newest of each topic, and all of a topic that has less than its share', async () => {
  const topics = ['a', 'b', 'c', 'd']
  const step = fc.record({
    topic: fc.constantFrom(...topics),
    count: fc.integer({ min: 1, max: 40 }),
    bytes: fc.oneof(fc.integer({ min: 20, max: 300 }), fc.integer({ min: 300, max: 30_000 })),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const stage = await startHistory({ maxBytes: MAX_BYTES })
      const saidBytes = new Map<string, number>()
      const saidOf = new Map<string, string[]>()
      for (const [at, { topic, count, bytes }] of steps.entries()) {
        const payloads = Array.from({ length: count }, (_, i) => `${at} ${i} `.padEnd(bytes, '.'))
        for (const payload of payloads) stage.history.offer(said(topic, payload))
        saidOf.set(topic, [...(saidOf.get(topic) ?? []), ...payloads])
        saidBytes.set(topic, (saidBytes.get(topic) ?? 0) + count * (bytes + 60))
        await stage.history.stored()
        stage.clock.pass(1000)
        await stage.history.clearUp()
        expect(stage.history.snapshot().bytes).toBeLessThanOrEqual(MAX_BYTES)
      }
      for (const [topic, payloads] of saidOf) {
        const kept = await allPayloads(stage.history, { filter: topic, order: 'oldest' })
        expect(kept).toEqual(payloads.slice(payloads.length - kept.length))
        if ((saidBytes.get(topic) ?? 0) < (MAX_BYTES * 0.8) / topics.length) expect(kept).toHaveLength(payloads.length)
      }
      await stage.history.stop()
    }),
    { numRuns: runs(20) },
  )
})
