import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDatabases } from '../../../src/store/disk/databases.ts'

/** The databases of a store in a folder of their own, until the test ends. */
export function openRealDatabases(): ReturnType<typeof openDatabases> {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-pending-'))
  const opened = openDatabases(join(folder, 'test.mdb'))
  onTestFinished(async () => {
    await opened.root.close()
    rmSync(folder, { recursive: true })
  })
  return opened
}
