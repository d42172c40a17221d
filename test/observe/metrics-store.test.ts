import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { GatedStore } from '../support/gated-store.ts'
import { publishPacket } from '../support/packets.ts'
import { join, leave, message, publish } from '../support/steps.ts'
import { scrapeSamples } from '../support/scrape.ts'
import { startHub } from '../support/start-hub.ts'

const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-metrics-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('A scrape of a hub with a store on disk tells how long its batches took and how large they were', async () => {
  const { hub, port } = await startHub({ config: { data: folder } })
  const away = await join(port, 'away', { isClean: false })
  await away.subscribe(['t', 1])
  await leave(away)
  const publisher = await join(port, 'publisher')
  publisher.send(publishPacket({ topic: 't', qos: 1 }))
  // The PUBACK has waited for the batch.
  await publisher.next('PUBACK')
  const samples = await scrapeSamples(hub.metrics)
  const batches = samples.get('hubbub_store_batch_seconds_count') ?? 0
  expect(batches).toBeGreaterThan(0)
  expect(samples.get('hubbub_store_batch_seconds_bucket{le="+Inf"}')).toBe(batches)
  expect(samples.get('hubbub_store_batch_seconds_sum')).toBeGreaterThan(0)
  expect(samples.get('hubbub_store_batch_changes_count')).toBe(batches)
  expect(samples.get('hubbub_store_batch_changes_sum')).toBeGreaterThanOrEqual(batches)
  expect(samples.get('hubbub_store_batch_failures_total')).toBe(0)
  expect(samples.get('hubbub_store_failing')).toBe(0)
})

test('A scrape of a hub in memory has no batches, and all else', async () => {
  const { hub, port } = await startHub()
  await publish(await join(port, 'a'), message('t', '1', true))
  const samples = await scrapeSamples(hub.metrics)
  expect(samples.get('hubbub_store_batch_seconds_count')).toBe(0)
  expect(samples.get('hubbub_store_batch_changes_count')).toBe(0)
  expect(samples.get('hubbub_retained_messages')).toBe(1)
})

test('A scrape says while the store cannot write', async () => {
  const store = new GatedStore()
  const { hub, port } = await startHub({ store })
  const failing = async () => (await scrapeSamples(hub.metrics)).get('hubbub_store_failing')
  store.closeGate()
  const publisher = await join(port, 'publisher')
  await publish(publisher, message('t', '1', true))
  store.breakGate()
  expect(await failing()).toBe(1)
  store.openGate()
  expect(await failing()).toBe(0)
})
