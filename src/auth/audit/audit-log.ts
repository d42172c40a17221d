import type { Log } from '../../base/log.ts'
import type { AuditEntry, AuditNote } from './audit-entry.ts'
import type { AuditFile } from './audit-file.ts'

export interface AuditLogOptions {
  /** Undefined: it does not outlive the hub. */
  readonly file: AuditFile | undefined
  readonly log: Log
  /** In ms since 1970, by the wall clock. */
  readonly nowMs: () => number
}

/** Entries that are looked at in pages; older ones are in the file. */
const MAX_ENTRIES = 5000
/** The same action by the same one is one entry for so long: a program that publishes must not push all else out. */
const MERGED_MS = 60_000
const MAX_TEXT_CHARACTERS = 512

interface Merging {
  readonly note: AuditNote
  /** What all of them have in common. */
  readonly same: AuditNote['what']
  readonly atMs: number
  times: number
}

/**
 * Who changed or deleted what, from where, and how it ended.
 *
 *   1. The first of its kind is in the log of the hub and on its way to the file when `note` returns. What is the same within a minute
 *      follows as one entry.
 *   2. It is bounded in memory and on disk, whatever is noted.
 */
export class AuditLog {
  readonly #options: AuditLogOptions
  #entries: AuditEntry[] = []
  #sequence = 0
  /** By what makes them the same. */
  readonly #merging = new Map<string, Merging>()
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const read = (await this.#options.file?.read()) ?? []
    this.#entries = [...read.slice(-MAX_ENTRIES), ...this.#entries]
    this.#sequence = read.reduce((most, { sequence }) => Math.max(most, sequence), this.#sequence)
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#endAll()
    await this.#options.file?.settled()
  }

  note(note: AuditNote): void {
    const what = Object.fromEntries(Object.entries(note.what).map(([name, text]) => [name, shortened(text)]))
    const { user, host, action, outcome } = note
    // Of what is published, each topic may be another; of all else nobody hides a deed behind one that came before.
    const { topic: _topic, ...same } = what
    const key = JSON.stringify([user, host, action, outcome, same])
    const merging = this.#merging.get(key)
    if (merging !== undefined) {
      merging.times++
      return
    }
    if (this.#merging.size >= MAX_ENTRIES) this.#endAll()
    const atMs = this.#options.nowMs()
    this.#merging.set(key, { note, same, atMs, times: 0 })
    this.#timer ??= setTimeout(() => this.#endAll(), MERGED_MS).unref()
    this.#add({ ...note, what }, atMs, 1)
  }

  /** The newest first, from the first one before the sequence number `before` on. */
  list(before: number | undefined, limit: number, user: string | undefined): readonly AuditEntry[] {
    const found: AuditEntry[] = []
    for (let at = this.#entries.length - 1; at >= 0 && found.length < limit; at--) {
      const entry = this.#entries[at]
      if (entry === undefined || (before !== undefined && entry.sequence >= before)) continue
      if (user === undefined || entry.user === user) found.push(entry)
    }
    return found
  }

  #endAll(): void {
    this.#timer = undefined
    const merged = [...this.#merging.values()]
    this.#merging.clear()
    for (const { note, same, atMs, times } of merged) if (times > 0) this.#add({ ...note, what: same }, atMs, times)
  }

  #add(note: AuditNote, atMs: number, times: number): void {
    const entry = { sequence: ++this.#sequence, atMs, ...note, times }
    this.#entries.push(entry)
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift()
    const { log, file } = this.#options
    const { user, host, action, what, outcome } = note
    log.info({ user, host, action, ...what, outcome, times: times > 1 ? times : undefined }, 'audit')
    void file?.write(entry)
  }
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT_CHARACTERS ? text : `${text.slice(0, MAX_TEXT_CHARACTERS)}…`
}
