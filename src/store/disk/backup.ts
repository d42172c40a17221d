import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  fsyncSync,
  closeSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import { HubbubError } from '../../base/errors.ts'
import { FolderLock } from './folder-lock.ts'
import { findDamage, moveAside } from './integrity.ts'
import { STORE_FILE } from './store-file.ts'

/**
 * Copies the store of a data folder to `file`, as it is at one moment, even while a hub uses it. Returns the copy's
 * size in bytes.
 * @throws HubbubError `STORE_UNUSABLE` when there is no store, or `file` is there and `isForced` is not
 */
export async function backupStore(folder: string, file: string, isForced: boolean): Promise<number> {
  const path = existingStore(folder)
  if (existsSync(file) && !isForced) {
    throw new HubbubError(
      'STORE_UNUSABLE',
      `Cannot back up to ${file}: the file must not exist, it does; add --force to replace it`,
    )
  }
  const temporary = `${file}.partial.mdb`
  const root = open({ path, readOnly: true, maxDbs: 16 })
  try {
    rmSync(temporary, { force: true })
    await root.backup(temporary, true)
    sync(temporary)
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw unwritable(file, error)
  } finally {
    await root.close()
  }
  return statSync(file).size
}

/**
 * Makes a backup the store of a data folder that no hub is using. Returns where the previous store was moved, if there was one.
 * @throws HubbubError `STORE_LOCKED`, `STORE_UNUSABLE`
 */
export async function restoreStore(file: string, folder: string, isForced: boolean): Promise<string | undefined> {
  if (!existsSync(file))
    throw new HubbubError('STORE_UNUSABLE', `Cannot restore ${file}: it must be a backup, there is no such file`)
  const readersFile = `${file}-lock`
  const isRead = existsSync(readersFile)
  const damage = await findDamage(file)
  // LMDB makes one to read it; where there was one before, somebody else does.
  if (!isRead) rmSync(readersFile, { force: true })
  if (damage !== undefined) {
    throw new HubbubError('STORE_UNUSABLE', `Cannot restore ${file}: it must be the backup of a store, ${damage}`)
  }
  mkdirSync(folder, { recursive: true })
  const lock = await FolderLock.take(folder)
  try {
    const path = join(folder, STORE_FILE)
    if (existsSync(path) && !isForced) {
      const text = `Cannot restore to ${folder}: the folder must not have a store, it has one`
      throw new HubbubError('STORE_UNUSABLE', `${text}; add --force to move the old one aside`)
    }
    const temporary = `${path}.partial`
    copyFileSync(file, temporary)
    sync(temporary)
    const before = existsSync(path) ? moveAside(path, 'replaced') : undefined
    renameSync(temporary, path)
    return before
  } finally {
    await lock.release()
  }
}

/** The store file of a data folder. Throws `STORE_UNUSABLE` when there is none. */
export function existingStore(folder: string, file = STORE_FILE): string {
  const path = join(folder, file)
  if (existsSync(path)) return path
  throw new HubbubError(
    'STORE_UNUSABLE',
    `Cannot read the store in ${folder}: it must be a Hubbub data folder, it has no ${file}; name the folder with --data`,
  )
}

function unwritable(file: string, error: unknown): HubbubError {
  const reason = error instanceof Error ? error.message : String(error)
  return new HubbubError(
    'STORE_UNUSABLE',
    `Cannot back up to ${file}: the file must be writable, the system says ${reason}`,
    { cause: error },
  )
}

function sync(file: string): void {
  const handle = openSync(file, 'r+')
  fsyncSync(handle)
  closeSync(handle)
}
