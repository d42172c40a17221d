import { readFileSync } from 'node:fs'
import { HubbubError } from './errors.ts'

/** What the hub has open for itself: its store and history, listeners, threads, modules that are loaded. About 30 when nothing goes on. */
const OWN_FILES = 64
/** HTTP is answered when no more clients can be taken: its share of all files, within these bounds. */
const HTTP_SHARE = 1 / 100
const LEAST_HTTP_FILES = 32
const MOST_HTTP_FILES = 100
/** With these, some clients can be taken too. */
const LEAST_FILES = 128

/** How many files and sockets the process may have open (`ulimit -n`), of which Node takes as many as it may have; only on Linux. */
export function maxOpenFiles(): number | undefined {
  if (process.platform !== 'linux') return undefined
  const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  return soft === undefined ? undefined : Number(soft)
}

/**
 * How many of `openFiles` may be connections of clients; Infinity where nobody says how many there are.
 * @throws HubbubError `OPEN_FILES_TOO_FEW`
 */
export function clientFilesOf(openFiles: number | undefined): number {
  if (openFiles === undefined) return Infinity
  if (openFiles < LEAST_FILES) {
    const text = `Cannot start with so few open files: at least ${LEAST_FILES} are required, "ulimit -n" is ${openFiles}`
    throw new HubbubError(
      'OPEN_FILES_TOO_FEW',
      `${text}; raise it, in systemd with LimitNOFILE, in Docker with --ulimit nofile`,
    )
  }
  const httpFiles = Math.min(Math.max(Math.floor(openFiles * HTTP_SHARE), LEAST_HTTP_FILES), MOST_HTTP_FILES)
  return openFiles - OWN_FILES - httpFiles
}
