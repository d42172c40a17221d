import { unwatchFile, watchFile } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HubbubError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { TlsSettings } from '../../config/listener-settings.ts'
import { HandshakeTurn } from './handshake-turn.ts'
import { TlsEntry } from './tls-entry.ts'
import { daysLeft, type Expiry, filesOf, makeTlsMaterial, readTlsFiles, type TlsMaterial } from './tls-files.ts'

/** A certificate or list, and the listener that uses it. */
export interface ListenerExpiry extends Expiry {
  readonly listener: string
}

/** How often the files are looked at. `fs.watch` would miss a link that is swapped, and all that follows a rename. */
const LOOK_EVERY_MS = 2000
/** Two reads with so much time between must be equal, else somebody is writing. */
const SETTLE_MS = 200
const MAX_SETTLING_READS = 50
const CHECK_EXPIRY_EVERY_MS = 3_600_000
/** Days before the end at which the log says so. */
const CERTIFICATE_DAYS = [30, 7, 1, 0]
const CRL_DAYS = [7, 3, 1, 0]

interface Watched {
  readonly listener: string
  readonly option: string
  readonly settings: TlsSettings
  readonly entry: TlsEntry
  readonly files: readonly string[]
  /** What is in force, as it was read. */
  texts: ReadonlyMap<string, string>
  /** It is read already, for a change that was seen. */
  isReading: boolean
}

/** The TLS of all listeners of a hub: makes it, and takes other certificates, keys and lists when their files change. */
export class TlsSide {
  readonly #log: Log
  readonly #turn = new HandshakeTurn()
  readonly #watched = new Map<string, Watched>()
  /** What the log has said of an expiry, by file and time. */
  readonly #toldDays = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined = undefined
  #isStopped = false

  constructor(log: Log) {
    this.#log = log
  }

  start(): void {
    this.#timer = setInterval(() => this.#checkExpiries(), CHECK_EXPIRY_EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    for (const listener of this.#watched.keys()) this.remove(listener)
  }

  /**
   * The TLS of a listener, from its files, which are watched from then on. `option` is the key of the listener.
   * @throws HubbubError `CERTIFICATE_UNUSABLE`
   */
  async add(listener: string, option: string, settings: TlsSettings): Promise<TlsEntry> {
    return (await this.prepare(listener, option, settings))()
  }

  /**
   * The same in two steps: reads and checks, and changes nothing yet. What it returns puts it in the place of the TLS that the listener
   * had, whose connections stay, and are still watched. @throws HubbubError `CERTIFICATE_UNUSABLE`
   */
  async prepare(listener: string, option: string, settings: TlsSettings): Promise<() => TlsEntry> {
    const texts = await readTlsFiles(settings, option)
    const material = makeTlsMaterial(settings, texts, option, Date.now())
    return () => this.#put(listener, option, settings, texts, material)
  }

  #put(
    listener: string,
    option: string,
    settings: TlsSettings,
    texts: ReadonlyMap<string, string>,
    material: TlsMaterial,
  ): TlsEntry {
    const before = this.#watched.get(listener)
    const entry = new TlsEntry(settings, material, this.#turn)
    if (before !== undefined) {
      this.remove(listener)
      entry.takeOver(before.entry)
    }
    const files = filesOf(settings)
    const watched: Watched = { listener, option, settings, entry, files, texts, isReading: false }
    this.#watched.set(listener, watched)
    for (const file of files) watchFile(resolve(file), { interval: LOOK_EVERY_MS, persistent: false }, this.#changed)
    this.#warn(listener, material)
    this.#checkExpiries()
    return entry
  }

  /** Nothing is watched for it any more. */
  remove(listener: string): void {
    const files = this.#watched.get(listener)?.files ?? []
    this.#watched.delete(listener)
    const others = new Set([...this.#watched.values()].flatMap((watched) => watched.files))
    for (const file of files) if (!others.has(file)) unwatchFile(resolve(file), this.#changed)
  }

  /** Reads all files again, whether they changed or not; each listener keeps what it has if there is a fault in its own. */
  async reload(): Promise<void> {
    await Promise.all([...this.#watched.values()].map((watched) => this.#readAgain(watched)))
  }

  /** When what is in use will end. */
  expiries(): ListenerExpiry[] {
    return [...this.#watched.values()].flatMap(({ listener, entry }) =>
      entry.material.expiries.map((expiry) => ({ ...expiry, listener })),
    )
  }

  readonly #changed = (): void => {
    void this.reload()
  }

  /** Never rejects. */
  async #readAgain(watched: Watched): Promise<void> {
    if (watched.isReading) return
    watched.isReading = true
    try {
      const texts = await readSettled(watched)
      if (this.#isStopped || isSame(texts, watched.texts)) return
      const { settings, option, listener, entry } = watched
      const material = makeTlsMaterial(settings, texts, option, Date.now())
      entry.change(material)
      watched.texts = texts
      const endsOn = new Date(Math.min(...material.expiries.map(({ atMs }) => atMs))).toISOString()
      this.#log.info({ listener, endsOn }, 'certificates reloaded')
      this.#warn(listener, material)
      this.#checkExpiries()
    } catch (error) {
      if (!(error instanceof HubbubError)) throw error
      const fields = { listener: watched.listener, code: error.code, reason: error.message }
      this.#log.error(fields, 'certificates not reloaded: what is in force stays')
    } finally {
      watched.isReading = false
    }
  }

  #warn(listener: string, { warnings }: TlsMaterial): void {
    for (const warning of warnings) this.#log.warn({ listener, reason: warning }, 'odd certificates')
  }

  #checkExpiries(): void {
    const nowMs = Date.now()
    for (const watched of this.#watched.values()) {
      this.#dropExpiredLists(watched, nowMs)
      for (const expiry of watched.entry.material.expiries) this.#tellExpiry(watched.listener, expiry, nowMs)
    }
  }

  /** A list that expires while it is used would refuse everybody from then on, be it to be ignored or not. */
  #dropExpiredLists({ settings, entry, texts, option }: Watched, nowMs: number): void {
    const { expiries, options } = entry.material
    if (!settings.ignoreExpiredCrl || options.crl === undefined) return
    if (!expiries.some(({ what, atMs }) => what === 'crl' && atMs <= nowMs)) return
    entry.change(makeTlsMaterial(settings, texts, option, nowMs))
  }

  #tellExpiry(listener: string, expiry: Expiry, nowMs: number): void {
    const { what, file, atMs } = expiry
    if (atMs === Infinity) return
    const left = daysLeft(expiry, nowMs)
    const reached = (what === 'crl' ? CRL_DAYS : CERTIFICATE_DAYS).findLast((days) => left <= days)
    const key = `${listener} ${file} ${atMs}`
    if (reached === undefined || (this.#toldDays.get(key) ?? Infinity) <= reached) return
    this.#toldDays.set(key, reached)
    const fields = { listener, what, file, endsOn: new Date(atMs).toISOString(), daysLeft: left }
    if (reached === 0) this.#log.error(fields, 'a certificate or list has expired')
    else this.#log.warn(fields, 'a certificate or list is about to expire')
  }
}

/** Reads the files until two reads are equal. @throws HubbubError */
async function readSettled({ settings, option }: Watched): Promise<ReadonlyMap<string, string>> {
  let texts = await readTlsFiles(settings, option)
  for (let reads = 1; reads < MAX_SETTLING_READS; reads++) {
    await sleep(SETTLE_MS)
    const next = await readTlsFiles(settings, option)
    if (isSame(next, texts)) return next
    texts = next
  }
  throw new HubbubError(
    'CERTIFICATE_UNUSABLE',
    `Cannot use the files of ${option}: they must be whole, they change all the time`,
  )
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return [...one].every(([file, text]) => other.get(file) === text)
}
