import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { RootDatabase } from 'lmdb'
import type { Place } from './place.ts'

/**
 * Writes a file that was deleted while it is open anew, whole: what was deleted can be read until it is closed. Nobody may write to `root`
 * meanwhile. Who calls opens what is there then.
 * @throws Error while there is no folder, or another file in its place
 */
export async function putBack(root: RootDatabase<Buffer, Buffer>, place: Place): Promise<void> {
  const { path } = place
  const folder = dirname(path)
  if (!place.isEmpty) throw new Error(`there is another file in place of ${path}: move it away, or stop the hub`)
  if (!existsSync(folder)) throw new Error(`the folder ${folder} is gone: make it again, and the hub goes on`)
  const temporary = `${path}.partial.mdb`
  rmSync(temporary, { force: true })
  await root.backup(temporary, false)
  // That of the deleted file, with its readers.
  rmSync(`${path}-lock`, { force: true })
  renameSync(temporary, path)
}
