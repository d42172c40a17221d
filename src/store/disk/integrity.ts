import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { HubbubError } from '../../base/errors.ts'

/** The databases of a file, and how far they are walked through. */
export interface WalkPlan {
  /** In the order of the walk. */
  readonly names: readonly string[]
  /** The one that is read only up to `maxBulkBytes`; damage beyond that is found when the value is used. */
  readonly bulk: string
  readonly maxBulkBytes: number
  /** The one whose checksums are not checked. */
  readonly unchecked: string
}

/** The store. Retained messages are only walked through; their checksums are checked when they are loaded. */
const STORE_PLAN: WalkPlan = {
  names: ['about', 'names', 'states', 'subscriptions', 'queues', 'wills', 'retained', 'bodies'],
  bulk: 'bodies',
  maxBulkBytes: 1024 ** 3,
  unchecked: 'retained',
}
/**
 * A walk that has shown nothing in so many looks goes round in damaged pages. It is looked at several times, since one look says nothing
 * right after the machine itself stood still.
 */
const LOOK_MS = 20_000
const MOST_SILENT_LOOKS = 3
/** How the reader ends when the fault is not in the file: no memory, no rights, too many open files. */
const HINDERED = 2
/** How a process ends that stumbles over what it reads. By any other signal somebody else ended it. */
const CRASHES: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'])

/** Walks through a file in a separate process: LMDB trusts its file, so a damaged page may crash the reader. */
const WALK = `
  import { constants } from 'node:os'
  import { crc32 } from 'node:zlib'
  const [lmdb, path, maxBulkBytes, hindered, bulk, unchecked, ...names] = process.argv.slice(1)
  const { ENOMEM, EACCES, EPERM, EAGAIN, EMFILE, ENFILE } = constants.errno
  process.once('uncaughtException', ({ code, message }) => {
    process.stderr.write('Error: ' + message)
    const isHindered = typeof code === 'string' || [ENOMEM, EACCES, EPERM, EAGAIN, EMFILE, ENFILE].includes(code)
    process.exit(isHindered ? Number(hindered) : 1)
  })
  const { open } = await import(lmdb)
  const bytes = { encoding: 'binary', keyEncoding: 'binary' }
  const root = open({ path, noSubdir: true, readOnly: true, maxDbs: 16, ...bytes })
  for (const name of names) {
    const database = root.openDB({ name, ...bytes })
    if (database === undefined) continue
    const { entryCount } = database.getStats()
    let count = 0
    let readBytes = 0
    let shownBytes = 0
    for (const { value } of database.getRange()) {
      if (++count > entryCount) throw new Error('there are more records among the ' + name + ' than were counted')
      readBytes += value.length
      if (count % 1000 === 0 || readBytes - shownBytes > 2 ** 20) {
        shownBytes = readBytes
        process.stdout.write('.')
      }
      if (name === bulk && readBytes > maxBulkBytes) break
      if (name !== unchecked && value.readUInt32BE(0) !== crc32(value.subarray(4))) {
        throw new Error('a checksum among the ' + name + ' is wrong')
      }
    }
    if (count < entryCount && !(readBytes > maxBulkBytes)) throw new Error('records are missing among the ' + name)
  }
  process.exit(0)
`

/**
 * Looks for damage in the store file `path`, which must not be open anywhere. Returns what is wrong, or undefined.
 * @throws HubbubError `STORE_UNUSABLE` when it cannot be looked at to its end for a reason that is not in the file
 */
export async function findDamage(path: string, plan: WalkPlan = STORE_PLAN): Promise<string | undefined> {
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: undefined }
  if (size === undefined) return undefined
  if (size === 0) return 'the file is empty'
  const { names, bulk, maxBulkBytes, unchecked } = plan
  const walk = [import.meta.resolve('lmdb'), path, String(maxBulkBytes), String(HINDERED), bulk, unchecked, ...names]
  const args = ['--input-type=module', '-e', WALK, ...walk]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: {} })
  let isStuck = false
  let silentLooks = 0
  const timer = setInterval(() => {
    isStuck = ++silentLooks >= MOST_SILENT_LOOKS
    if (isStuck) child.kill('SIGKILL')
  }, LOOK_MS)
  child.stdout.on('data', () => {
    silentLooks = 0
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearInterval(timer)
      if (code === 0) resolve(undefined)
      else if (code === HINDERED) reject(hindered(path, `the process that reads it failed (${reasonIn(words)})`))
      else if (signal === null) resolve(reasonIn(words))
      else if (isStuck) resolve('reading it came to no end')
      else if (CRASHES.has(signal)) resolve(`reading it ended with ${signal}`)
      else reject(hindered(path, endedByOthers(signal)))
    })
  })
}

/** Whatever is in the file: this is no reason to begin with an empty store. */
function hindered(path: string, why: string): HubbubError {
  return new HubbubError('STORE_UNUSABLE', `Cannot look for damage in ${path}: ${why}; start the hub again`)
}

/** The system kills when it has no memory left, and Ctrl+C or a service manager ends the reader with the hub. */
function endedByOthers(signal: string): string {
  const why = signal === 'SIGKILL' ? ', as happens when the machine has no memory left' : ''
  return `the process that read it was ended by ${signal}${why}`
}

function reasonIn(words: string): string {
  return /Error: (.*)/.exec(words)?.[1] ?? 'it cannot be read'
}

/** Moves a store out of the way, whole, under a name with the date; returns the folder it is in now. */
export function moveAside(path: string, why: 'damaged' | 'replaced'): string {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-')
  let folder = join(dirname(path), `${why}-${stamp}`)
  for (let copy = 2; statSync(folder, { throwIfNoEntry: false }) !== undefined; copy++) {
    folder = join(dirname(path), `${why}-${stamp}-${copy}`)
  }
  mkdirSync(folder)
  for (const file of [path, `${path}-lock`]) {
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) renameSync(file, join(folder, basename(file)))
  }
  return folder
}
