import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { DiskStore } from '../../../src/store/disk/disk-store.ts'
import { testStore } from '../../contract/store.ts'
import { CollectingLog } from '../../support/start-hub.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-store-'))
afterAll(() => rmSync(parent, { recursive: true }))

testStore('DiskStore', () => {
  const folder = mkdtempSync(join(parent, 'data-'))
  return { open: () => new DiskStore({ folder, durability: 'disk', log: new CollectingLog() }) }
})
