import { type MemoryBudget, unboundedMemory } from '../../base/memory-budget.ts'
import { join } from 'node:path'
import { once } from 'node:events'
import type { Clock } from '../../base/clock.ts'
import { HubbubError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import type { Message } from '../../protocol/message.ts'
import { Batches, type BatchObserver, type Durability } from './batches.ts'
import { Bodies } from './bodies.ts'
import { type Databases, openDatabases, type OpenedDatabases, reopenDatabases, type Records } from './databases.ts'
import { DiskSession, type DiskSessionParts } from './disk-session.ts'
import { takeFolder } from './data-folder.ts'
import type { FolderLock } from './folder-lock.ts'
import { takeUpFormat } from './format.ts'
import { findDamage, moveAside } from './integrity.ts'
import { Place } from './place.ts'
import { putBack } from './put-back.ts'
import { type Encoding, PendingMessages } from './pending-messages.ts'
import { PendingRetained } from './pending-retained.ts'
import {
  checked,
  CONTENT_START,
  decodeName,
  decodeWill,
  encodeWill,
  type NameRecord,
  readMessage,
  readQueueKey,
  seal,
} from './records.ts'
import { decodeRuns, decodeState } from './state-record.ts'
import { STORE_FILE } from './store-file.ts'
import type { SessionState, Store, StoredWill, StoreListener } from '../store.ts'

export interface DiskStoreOptions {
  readonly folder: string
  readonly durability: Durability
  readonly log: Log
  /** What may be in memory until it is stored, or to be read again; unbounded when left out. */
  readonly memory?: MemoryBudget
  /** Whose lifetimes go on where those of the last run were; none when left out. */
  readonly clock?: Clock
  /** Told of every batch. */
  readonly observer?: BatchObserver | undefined
}

/** How far lifetimes were when the last batch was written: a time in ms, as a double. */
const LIFETIME_KEY = Buffer.from('lifetime')
const PROGRESS_EVERY_MS = 2000
const CLOSE_DEADLINE_MS = 1000
/** A hub that has nothing to store notices within this time that its folder or its lock is gone. */
const LOOK_MS = 1000

const WILLS: Encoding<StoredWill> = { encode: encodeWill, packetBytes: ({ message }) => message.packetBytes }

/** What exists once the store is started. */
interface Started {
  readonly opened: OpenedDatabases
  readonly databases: Databases
  readonly bodies: Bodies
  readonly batches: Batches
  readonly retained: PendingRetained
  readonly wills: PendingMessages<StoredWill>
  readonly parts: DiskSessionParts
}

/** The store on disk (design, section 6): LMDB holds what memory holds, as of the last batch. */
export class DiskStore implements Store {
  changes = 0
  readonly #options: DiskStoreOptions
  readonly #log: Log
  readonly #sessions = new Map<number, DiskSession>()
  #nextSession = 1
  #dirty: DiskSession[] = []
  #onTheirWay: DiskSession[] = []
  #lock: FolderLock | undefined = undefined
  #started: Started | undefined = undefined
  #place: Place | undefined = undefined
  #lookTimer: NodeJS.Timeout | undefined = undefined

  constructor(options: DiskStoreOptions) {
    this.#options = options
    this.#log = options.log
  }

  get openBatch(): number {
    return this.#started === undefined ? 0 : this.#started.batches.open
  }

  get isFailing(): boolean {
    return this.#started !== undefined && this.#started.batches.isFailing
  }

  /** @throws HubbubError `STORE_LOCKED`, `STORE_UNUSABLE` */
  async start(listener: StoreListener): Promise<void> {
    const { folder } = this.#options
    this.#lock = await takeFolder(folder)
    const path = join(folder, STORE_FILE)
    let damage = await findDamage(path)
    if (damage === undefined) {
      try {
        await this.#open(path, listener)
      } catch (error) {
        if (error instanceof HubbubError) throw error
        damage = error instanceof Error ? error.message : String(error)
        await this.#started?.opened.root.close()
        this.#started = undefined
      }
    }
    if (damage === undefined) return
    const aside = moveAside(path, 'damaged')
    const advice = `the damaged store was moved aside; inspect it with: hubbub inspect --data ${aside}`
    this.#log.error({ reason: damage, movedTo: aside }, `${advice}. The hub starts with an empty store`)
    await this.#open(path, listener)
  }

  async #open(path: string, listener: StoreListener): Promise<void> {
    const { folder, durability, observer, memory = unboundedMemory() } = this.#options
    this.#sessions.clear()
    const opened = openDatabases(path)
    const { databases } = opened
    const onDamage = (error: unknown): void => this.#log.error({ err: error }, 'part of the store cannot be read')
    const bodies = new Bodies(databases, onDamage, memory)
    const parts: DiskSessionParts = {
      databases,
      bodies,
      onDamage,
      onDirty: (state) => this.#dirty.push(state),
      onChange: () => this.#changed(),
    }
    const batches = new Batches({ opened, folder, durability, content: this, listener, observer, log: this.#log })
    const retained = new PendingRetained(databases, memory.queues)
    const wills = new PendingMessages(databases, WILLS, memory.queues)
    this.#started = { opened, databases, bodies, batches, retained, wills, parts }
    this.#place = new Place(path)
    await takeUpFormat(opened, folder)
    this.#options.clock?.goOnFrom(lastLifetime(databases.about, onDamage))
    bodies.open()
    this.#loadSessions(databases, parts)
    this.#checkRetained(databases.retained)
    this.#lookTimer ??= setInterval(() => this.#look(), LOOK_MS).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#lookTimer)
    const started = this.#started
    if (started !== undefined) {
      try {
        await started.batches.stop()
      } catch (error) {
        this.#log.error({ err: error }, 'the last changes could not be stored')
      }
      await closed(started.opened.root, started.batches.isFailing)
      this.#started = undefined
    }
    await this.#lock?.release()
    this.#lock = undefined
  }

  sessions(): Iterable<SessionState> {
    return this.#sessions.values()
  }

  /** They are read one by one: all together would need more memory than the router does, which has them from here on. */
  *retained(): Generator<Message, void, undefined> {
    for (const { value } of this.#running.databases.retained.getRange()) {
      yield readMessage(checked(value, 'a retained message'), CONTENT_START)
    }
  }

  *wills(): Iterable<StoredWill> {
    for (const { value } of this.#running.databases.wills.getRange()) {
      yield decodeWill(checked(value, 'a will'))
    }
  }

  addSession(clientId: string, expirySeconds: number): SessionState {
    return this.#add({ clientId, isGroup: false, expirySeconds, user: undefined })
  }

  addGroup(filter: string): SessionState {
    return this.#add({ clientId: filter, isGroup: true, expirySeconds: Infinity, user: undefined })
  }

  removeSession(state: SessionState): void {
    if (!(state instanceof DiskSession)) return
    this.#sessions.delete(state.number)
    state.remove()
  }

  putRetained(message: Message): void {
    this.#running.retained.put(message)
    this.#changed()
  }

  removeRetained(topic: string): void {
    this.#running.retained.remove(topic)
    this.#changed()
  }

  putWill(will: StoredWill): void {
    this.#running.wills.set(will.clientId, will)
    this.#changed()
  }

  removeWill(clientId: string): void {
    this.#running.wills.set(clientId, undefined)
    this.#changed()
  }

  /**
   * Retained messages are good for themselves: with one of them stored and the batch not, its publisher was not answered, and sends it
   * again. This and the next six are for `Batches` only.
   */
  get partsAhead(): number {
    return this.#running.retained.parts
  }

  writeAhead(): void {
    this.#writeLifetime()
    this.#running.retained.writeSome()
  }

  get isInPlace(): boolean {
    return this.#place?.isKept !== false
  }

  /** What is stored can be read from the deleted file, and so all of it is in the new one. */
  async putBack(): Promise<void> {
    const place = this.#place
    if (place === undefined) return
    const { opened, batches } = this.#running
    await putBack(opened.root, place)
    const before = reopenDatabases(opened, place.path)
    this.#place = new Place(place.path)
    this.#log.warn({ file: place.path }, 'the store was deleted while the hub used it, and is written anew, whole')
    await closed(before, batches.isFailing)
  }

  /** Writes all changes since the last batch. */
  write(): void {
    const { bodies, retained, wills } = this.#running
    this.#writeLifetime()
    this.#onTheirWay = this.#dirty
    this.#dirty = []
    for (const state of this.#onTheirWay) state.write()
    bodies.write()
    retained.write()
    wills.write()
  }

  wasWritten(): void {
    for (const state of this.#onTheirWay) state.wasWritten()
    this.#onTheirWay = []
    const { bodies, retained, wills } = this.#running
    bodies.wasWritten()
    retained.wasWritten()
    wills.wasWritten()
  }

  wasNotWritten(): void {
    const { bodies, retained, wills } = this.#running
    const states = this.#onTheirWay
    this.#onTheirWay = []
    for (const state of states) state.wasNotWritten()
    bodies.wasNotWritten()
    retained.wasNotWritten()
    wills.wasNotWritten()
  }

  /** A batch finds out for itself that the file is gone. */
  #look(): void {
    this.#lock
      ?.keep()
      .catch((error: unknown) => this.#log.error({ err: error }, 'the data folder is not locked any more'))
    if (!this.isFailing && !this.isInPlace) this.#changed()
  }

  /** With what is stored at that time, so that it cannot be from later. */
  #writeLifetime(): void {
    const { clock } = this.#options
    if (clock === undefined) return
    const value = Buffer.allocUnsafe(CONTENT_START + 8)
    value.writeDoubleBE(clock.lifetimeMs(), CONTENT_START)
    void this.#running.databases.about.put(LIFETIME_KEY, seal(value))
  }

  #add(name: NameRecord): SessionState {
    const number = this.#nextSession++
    const state = new DiskSession(number, name, false, this.#running.parts)
    this.#sessions.set(number, state)
    state.setLeftAt(0)
    return state
  }

  get #running(): Started {
    if (this.#started === undefined) throw new TypeError('the store is not started')
    return this.#started
  }

  #changed(): void {
    this.changes++
    this.#started?.batches.changed()
  }

  /** So that damage is found before the hub begins with what is not damaged. */
  #checkRetained(database: Records): void {
    const progress = new Progress(this.#log, 'retained messages', countOf(database))
    for (const { value } of database.getRange()) {
      readMessage(checked(value, 'a retained message'), CONTENT_START)
      progress.step()
    }
  }

  #loadSessions({ names, states, queues }: Databases, parts: DiskSessionParts): void {
    const progress = new Progress(this.#log, 'sessions', countOf(names))
    for (const { key, value } of names.getRange()) {
      const number = key.readUInt32BE(0)
      this.#sessions.set(number, new DiskSession(number, decodeName(checked(value, 'a session')), true, parts))
      this.#nextSession = number + 1
    }
    for (const { key, value } of states.getRange()) {
      this.#sessions.get(key.readUInt32BE(0))?.restore(decodeState(checked(value, 'the state of a session')))
      progress.step()
    }
    for (const { key, value } of queues.getRange()) {
      const { session, position } = readQueueKey(key)
      this.#sessions.get(session)?.restoreChunk(decodeRuns(checked(value, 'a queue'), position))
    }
  }
}

async function closed(root: OpenedDatabases['root'], isFailing: boolean): Promise<void> {
  // After a commit that failed, LMDB never ends its closing.
  const deadline = AbortSignal.timeout(CLOSE_DEADLINE_MS)
  const closing = root.close()
  if (isFailing) await Promise.race([closing, once(deadline, 'abort')])
  else await closing
}

/** How far lifetimes were when the last batch was written; 0 when that is not known. */
function lastLifetime(about: Records, onDamage: (error: unknown) => void): number {
  const stored = about.get(LIFETIME_KEY)
  if (stored === undefined) return 0
  try {
    return checked(stored, 'the clock').readDoubleBE(CONTENT_START)
  } catch (error) {
    onDamage(error)
    return 0
  }
}

function countOf(database: Records): number {
  const stats: unknown = database.getStats()
  if (typeof stats !== 'object' || stats === null || !('entryCount' in stats)) return 0
  return Number(stats.entryCount)
}

/** Logs the progress of a long read. */
class Progress {
  readonly #log: Log
  readonly #what: string
  readonly #total: number
  #done = 0
  #saidAtMs = performance.now()

  constructor(log: Log, what: string, total: number) {
    this.#log = log
    this.#what = what
    this.#total = total
  }

  step(): void {
    this.#done++
    if (this.#done % 1000 !== 0 || performance.now() - this.#saidAtMs < PROGRESS_EVERY_MS) return
    this.#saidAtMs = performance.now()
    this.#log.info({ done: this.#done, of: this.#total }, `reading the store: ${this.#what}`)
  }
}
