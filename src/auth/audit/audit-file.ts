import { appendFile, readFile, rename, stat } from 'node:fs/promises'
import { escapeInvisible, type Log } from '../../base/log.ts'
import type { AuditEntry } from './audit-entry.ts'

const MODE = 0o600
/** At this size the file becomes the older one, in place of the one before: together they take twice as much. */
const MAX_FILE_BYTES = 8 * 1024 ** 2

/** The audit log on disk: NDJSON, an entry a line, the newest last. */
export class AuditFile {
  readonly #path: string
  readonly #log: Log
  readonly #maxBytes: number
  #bytes = 0
  #isFailing = false
  #waiting: AuditEntry[] = []
  #last: Promise<void> = Promise.resolve()

  constructor(path: string, log: Log, maxBytes = MAX_FILE_BYTES) {
    this.#path = path
    this.#log = log
    this.#maxBytes = maxBytes
  }

  /** Where the file goes that is full. */
  get olderPath(): string {
    return this.#path.replace(/(\.\w+)?$/, '.1$1')
  }

  /** What both files have, the newest last. Lines that are no entries, as that of a hub that died while it wrote, are passed by. */
  async read(): Promise<readonly AuditEntry[]> {
    const older = await this.#textOf(this.olderPath)
    const text = await this.#textOf(this.#path)
    this.#bytes = Buffer.byteLength(text)
    // What follows must not become a part of a line that was cut.
    if (text !== '' && !text.endsWith('\n')) await this.#append('\n')
    return `${older}\n${text}`.split('\n').flatMap((line) => entryIn(line) ?? [])
  }

  /** Resolves when it is on disk, or could not be, which is in the log. */
  write(entry: AuditEntry): Promise<void> {
    this.#waiting.push(entry)
    if (this.#waiting.length === 1) this.#last = this.#last.then(() => this.#write())
    return this.#last
  }

  /** What was written by now is on disk. */
  settled(): Promise<void> {
    return this.#last
  }

  async #write(): Promise<void> {
    const entries = this.#waiting
    this.#waiting = []
    let lines = ''
    try {
      for (const entry of entries) {
        const line = `${escapeInvisible(JSON.stringify(entry))}\n`
        if (this.#bytes + Buffer.byteLength(lines) + Buffer.byteLength(line) > this.#maxBytes) {
          await this.#append(lines)
          await rename(this.#path, this.olderPath)
          this.#bytes = 0
          lines = ''
        }
        lines += line
      }
      await this.#append(lines)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) this.#log.warn({ err: error, file: this.#path }, 'the audit log cannot be written')
      this.#isFailing = true
    }
  }

  async #append(text: string): Promise<void> {
    await appendFile(this.#path, text, { mode: MODE, flush: true })
    this.#bytes += Buffer.byteLength(text)
  }

  async #textOf(path: string): Promise<string> {
    try {
      const { size } = await stat(path)
      // Somebody else has put it there.
      if (size > 2 * this.#maxBytes) return ''
      return await readFile(path, 'utf8')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        this.#log.warn({ err: error, file: path }, 'the audit log cannot be read')
      return ''
    }
  }
}

function entryIn(line: string): AuditEntry | undefined {
  try {
    const json: unknown = JSON.parse(line)
    return isEntry(json) ? json : undefined
  } catch {
    return undefined
  }
}

function isEntry(value: unknown): value is AuditEntry {
  if (typeof value !== 'object' || value === null) return false
  const has = (name: string, ...types: string[]): boolean => types.includes(typeof Reflect.get(value, name))
  const what: unknown = Reflect.get(value, 'what')
  const isWhat =
    typeof what === 'object' && what !== null && Object.values(what).every((text) => typeof text === 'string')
  const isText = has('action', 'string') && has('outcome', 'string')
  const isNumber = ['sequence', 'atMs', 'times'].every((name) => has(name, 'number'))
  return isWhat && isText && isNumber && has('user', 'string', 'undefined') && has('host', 'string', 'undefined')
}
