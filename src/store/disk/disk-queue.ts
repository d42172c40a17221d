// Hot path: `push` runs per message and kept session that waits for it; measured by `npm run bench`, rows "kept".
import type { Databases } from './databases.ts'
import type { Message } from '../../protocol/message.ts'
import type { Bodies } from './bodies.ts'
import { Fifo } from '../../base/fifo.ts'
import { checked, queueKey, readQueueKey, sessionKey } from './records.ts'
import { decodeRuns, encodeRuns, type Run } from './state-record.ts'
import type { Terms } from '../store.ts'

/** Runs that are written with the session's state; when there are more, they become a chunk. */
const MAX_STATE_RUNS = 16
/** Runs that stay in memory after they are stored, while the client is connected and will soon take them. */
const HEAD_RUNS = 256

/** What is on disk in chunks. */
interface Spilled {
  /** Position behind their last message. */
  readonly end: number
  readonly chunks: number
}

/**
 * The queue of a kept session. Messages are numbered by their position; messages with consecutive bodies are one run, so that a
 * message that waits for many sessions costs each of them a few bytes. The newest runs are written with the session's state,
 * beside the states of other sessions; older ones are written as chunks, each a value of its own. Chunks need not be in memory:
 * the front of the queue is read back one chunk at a time.
 */
export class DiskQueue {
  head = 0
  tail = 0
  bytes = 0
  /** The client is connected: stored runs that will soon be sent stay in memory. */
  isHeadKept = false
  readonly #session: number
  readonly #bodies: Bodies
  readonly #databases: Pick<Databases, 'queues'>
  readonly #onDamage: (error: unknown) => void
  /** The runs in memory, up to the tail. Those before them are on disk only; `#page` is read from there. */
  readonly #runs = new Fifo<Run>()
  #page: readonly Run[] = []
  #pageIndex = 0
  #spilled: Spilled = { end: 0, chunks: 0 }
  /** `#spilled` without the batch that is being written. */
  #stored: Spilled = this.#spilled
  #isTrimDue = false

  constructor(
    session: number,
    bodies: Bodies,
    databases: Pick<Databases, 'queues'>,
    onDamage: (error: unknown) => void,
  ) {
    this.#session = session
    this.#bodies = bodies
    this.#databases = databases
    this.#onDamage = onDamage
  }

  get length(): number {
    return this.tail - this.head
  }

  /** Restores the runs that are stored with the state; `restoreChunk` follows for each chunk. */
  restore(head: number, tail: number, bytes: number, runs: readonly Run[]): void {
    this.head = head
    this.tail = tail
    this.bytes = bytes
    this.#spilled = { end: runs[0]?.position ?? tail, chunks: 0 }
    this.#stored = this.#spilled
    for (let i = 0; i < runs.length; i++) {
      const run = runs[i]
      if (run === undefined) continue
      this.#runs.push(run)
      this.#bodies.restore(run.body, run.count)
    }
  }

  restoreChunk(runs: readonly Run[]): void {
    this.#spilled = { end: this.#spilled.end, chunks: this.#spilled.chunks + 1 }
    this.#stored = this.#spilled
    for (let i = 0; i < runs.length; i++) {
      const run = runs[i]
      const skipped = run === undefined ? 0 : Math.max(0, this.head - run.position)
      if (run !== undefined && skipped < run.count) this.#bodies.restore(run.body + skipped, run.count - skipped)
    }
  }

  push(message: Message, terms: Terms): void {
    const body = this.#bodies.hold(message)
    const { last } = this.#runs
    // A run that is in a chunk is not extended: on disk it ends where it ended.
    if (
      last !== undefined &&
      last.body + last.count === body &&
      isAlike(last.terms, terms) &&
      last.position >= this.#spilled.end
    ) {
      last.count++
    } else {
      this.#runs.push({ position: this.tail, body, count: 1, terms })
    }
    this.tail++
    this.bytes += message.packetBytes
  }

  /** The run that the oldest message is in; undefined when the queue is empty or that part of it cannot be read. */
  front(): Run | undefined {
    const { head } = this
    let { first } = this.#runs
    while (first !== undefined && first.position + first.count <= head) {
      this.#runs.shift()
      first = this.#runs.first
    }
    if (first !== undefined && first.position <= head) return first
    return head === this.tail ? undefined : (this.#inPage() ?? this.#readPage())
  }

  /** The number of the oldest message's body; its run comes from `front`. */
  bodyIn(run: Run): number {
    return run.body + this.head - run.position
  }

  /** Takes off the oldest message, which is `bytes` long; the caller must release its body. */
  shift(bytes: number): void {
    this.head++
    this.bytes = this.head === this.tail ? 0 : this.bytes - bytes
    this.#isTrimDue = true
  }

  /** Forgets what is in memory only for speed. */
  shrink(): void {
    this.isHeadKept = false
    this.#page = []
    this.#letGo()
  }

  /** Writes the runs that are too many for the state and removes those that were taken. Part of a batch, before `stateRuns`. */
  write(): void {
    const runs = this.stateRuns()
    const first = runs[0]
    if (first !== undefined && runs.length > MAX_STATE_RUNS) {
      void this.#databases.queues.put(queueKey(this.#session, first.position), encodeRuns(runs))
      this.#spilled = { end: this.tail, chunks: this.#spilled.chunks + 1 }
    }
    if (this.#isTrimDue && this.#spilled.chunks > 0) this.#trim()
    this.#isTrimDue = false
  }

  /** The runs that no chunk has: they are part of the session's state. */
  stateRuns(): readonly Run[] {
    const from = Math.max(this.head, this.#spilled.end)
    const runs: Run[] = []
    for (let i = this.#runs.length - 1; i >= 0; i--) {
      const run = this.#runs.at(i)
      if (run === undefined || run.position + run.count <= from) break
      runs.push(run.position >= from ? run : partOf(run, from, run.position + run.count))
    }
    return runs.toReversed()
  }

  /** The batch is stored. */
  wasWritten(): void {
    this.#stored = this.#spilled
    this.#letGo()
  }

  /** The batch is not stored. */
  wasNotWritten(): void {
    this.#spilled = this.#stored
    this.#isTrimDue = true
  }

  /** Removes the whole queue, from disk with this batch. */
  clear(): void {
    for (const { body, count } of this.#waiting()) {
      for (let i = 0; i < count; i++) this.#bodies.release(body + i)
    }
    this.#runs.clear()
    this.head = this.tail
    this.bytes = 0
    this.#isTrimDue = true
  }

  /** Removes the chunks that end before the head. The last of them may reach past it, unless all do not. */
  #trim(): void {
    const isEmpty = this.head >= this.#spilled.end
    if (!isEmpty && this.#spilled.chunks === 1) return
    const keys = Array.from(this.#databases.queues.getKeys(this.#range(0, this.head)))
    if (!isEmpty) keys.pop()
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]
      if (key !== undefined) void this.#databases.queues.remove(key)
    }
    this.#spilled = { end: this.#spilled.end, chunks: this.#spilled.chunks - keys.length }
  }

  /** Stored runs need not be in memory, except for the first ones, which will soon be sent. */
  #letGo(): void {
    const { end } = this.#stored
    if (this.isHeadKept && this.#runs.length <= HEAD_RUNS) return
    for (let { first } = this.#runs; first !== undefined && first.position + first.count <= end;) {
      this.#runs.shift()
      first = this.#runs.first
    }
  }

  #inPage(): Run | undefined {
    for (; this.#pageIndex < this.#page.length; this.#pageIndex++) {
      const run = this.#page[this.#pageIndex]
      if (run === undefined || this.head < run.position) return undefined
      if (this.head < run.position + run.count) return run
    }
    return undefined
  }

  #readPage(): Run | undefined {
    const start = queueKey(this.#session, this.head)
    this.#page = []
    this.#pageIndex = 0
    try {
      const range = { start, end: sessionKey(this.#session), reverse: true, limit: 1 }
      for (const { key, value } of this.#databases.queues.getRange(range)) {
        this.#page = decodeRuns(checked(value, `the queue of session ${this.#session}`), readQueueKey(key).position)
      }
    } catch (error) {
      this.#onDamage(error)
    }
    return this.#inPage()
  }

  /** All runs that wait, as they are on disk and in memory. */
  *#waiting(): Iterable<Run> {
    const inMemory = this.#runs.first?.position ?? this.tail
    if (this.head < inMemory) {
      for (const { key, value } of this.#databases.queues.getRange(this.#range(0, inMemory))) {
        for (const run of decodeRuns(value, readQueueKey(key).position)) {
          if (run.position + run.count > this.head && run.position < inMemory) yield partOf(run, this.head, inMemory)
        }
      }
    }
    for (let i = 0; i < this.#runs.length; i++) {
      const run = this.#runs.at(i)
      if (run !== undefined && run.position + run.count > this.head) yield partOf(run, this.head, this.tail)
    }
  }

  /** Keys of the chunks that begin from `first` up to `last`. */
  #range(first: number, last: number): { start: Buffer; end: Buffer } {
    return { start: queueKey(this.#session, first), end: queueKey(this.#session, last + 1) }
  }
}

/** The part of a run that lies from position `from` up to `to`. */
function partOf(run: Run, from: number, to: number): Run {
  const position = Math.max(run.position, from)
  const count = Math.min(run.position + run.count, to) - position
  return { position, body: run.body + position - run.position, terms: run.terms, count }
}

function isAlike(one: Terms, other: Terms): boolean {
  if (one === other) return true
  if (one.qos !== other.qos || one.isRetained !== other.isRetained) return false
  if (one.identifiers.length !== other.identifiers.length) return false
  for (let i = 0; i < one.identifiers.length; i++) {
    if (one.identifiers[i] !== other.identifiers[i]) return false
  }
  return true
}
