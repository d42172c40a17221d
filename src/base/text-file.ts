import { closeSync, openSync, readSync } from 'node:fs'

/** What is in a file, or why that cannot be used. */
export type TextFile =
  | { readonly text: string }
  /** `isRead`: it was read, and is no text; else it cannot be read. */
  | { readonly fault: string; readonly isRead: boolean }

/** Reads a file that must be text in UTF-8 of at most `maxBytes`. Takes any path and never throws. */
export function readTextFile(path: string, maxBytes: number): TextFile {
  const bytes = new Uint8Array(maxBytes + 1)
  let length = 0
  try {
    const descriptor = openSync(path, 'r')
    try {
      // Not readFileSync: that reads an endless device to the end.
      for (let count = -1; count !== 0; length += count)
        count = readSync(descriptor, bytes, length, bytes.length - length, null)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    return { fault: READ_FAULTS[errorCode(error)] ?? String(error), isRead: false }
  }
  if (length > maxBytes) return { fault: `it must be at most ${maxBytes} bytes, it is longer`, isRead: true }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length)) }
  } catch {
    return { fault: 'it must be text in UTF-8, it has bytes that are not', isRead: true }
  }
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it must be a file, it is a folder',
  EACCES: 'the hub has no permission to read it',
  EPERM: 'the hub has no permission to read it',
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
