import { accessSync, constants } from 'node:fs'
import { HubbubError } from '../../base/errors.ts'
import { makeFolder } from '../../base/folders.ts'
import { FolderLock } from './folder-lock.ts'

/** Makes the data folder if it is not there, and locks it. @throws HubbubError `STORE_LOCKED`, `STORE_UNUSABLE` */
export function takeFolder(folder: string): Promise<FolderLock> {
  makeWritable(folder)
  return FolderLock.take(folder)
}

function makeWritable(folder: string): void {
  try {
    makeFolder(folder)
    // With the dot, a file is no folder.
    accessSync(`${folder}/.`, constants.W_OK)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const text = `Cannot use the data folder ${folder}: it must be a folder that the hub can write to, the system says ${reason}`
    throw new HubbubError('STORE_UNUSABLE', `${text}; choose another with --data`, { cause: error })
  }
}
