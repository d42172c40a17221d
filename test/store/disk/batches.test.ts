import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type BatchContent, Batches, type BatchObserver } from '../../../src/store/disk/batches.ts'
import { openDatabases } from '../../../src/store/disk/databases.ts'
import { Collected } from '../../support/guard.ts'
import { CollectingLog } from '../../support/start-hub.ts'

/** Batches on a real database; `write` is what each of them does. */
function openBatches(write: () => void) {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-batches-'))
  const opened = openDatabases(join(folder, 'test.mdb'))
  const told = new Collected<readonly [what: string, changes: number]>('batches')
  const observer: BatchObserver = {
    batchWritten: (seconds, changes) => {
      expect(seconds).toBeGreaterThan(0)
      told.push(['written', changes])
    },
    batchFailed: () => told.push(['failed', 0]),
  }
  const content: BatchContent & { changes: number } = {
    changes: 0,
    write,
    wasWritten: () => undefined,
    wasNotWritten: () => undefined,
    isInPlace: true,
    putBack: async () => undefined,
  }
  const listener = { onStored: () => undefined, onFailed: () => undefined }
  const log = new CollectingLog()
  const batches = new Batches({ opened, folder, durability: 'disk', content, listener, observer, log })
  onTestFinished(async () => {
    await batches.stop()
    await opened.root.close()
    rmSync(folder, { recursive: true })
  })
  const change = (count: number): void => {
    content.changes += count
    batches.changed()
  }
  return { batches, change, told }
}

test('Batches tell their observer of each batch, how many changes it had', async () => {
  const { batches, change, told } = openBatches(() => undefined)
  change(2)
  change(1)
  expect(batches.open).toBe(1)
  await told.atLeast(1)
  change(5)
  await told.atLeast(2)
  expect(told.items).toEqual([
    ['written', 3],
    ['written', 5],
  ])
})

test('Batches tell their observer of one that failed, and count its changes in the one that makes up for it', async () => {
  let isBroken = true
  const { change, told } = openBatches(() => {
    if (isBroken) throw new Error('the disk is broken')
  })
  change(2)
  await told.atLeast(1)
  isBroken = false
  change(1)
  await told.atLeast(2)
  expect(told.items).toEqual([
    ['failed', 0],
    ['written', 3],
  ])
})
