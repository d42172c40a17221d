import { statSync } from 'node:fs'
import { join } from 'node:path'

/** The store's file in the data folder; LMDB adds one for its readers. */
export const STORE_FILE = 'hubbub.mdb'

/** The history's file beside it. */
export const HISTORY_FILE = 'history.mdb'

/** How many bytes the store's file takes on disk. */
export function storedBytes(folder: string): number {
  return statSync(join(folder, STORE_FILE), { throwIfNoEntry: false })?.size ?? 0
}
