// Hot path: `append` runs per recorded message, at most some 20,000 times a second; measured by `npm run bench` with history.
import type { Log } from '../observe/log.ts'
import type { Message } from '../protocol/message.ts'
import { BlockWriter, HistoryBlock } from '../store/history-block.ts'
import { type HistoryLog, type HistoryTotals, type Run, runBytes, type StoredHistory } from '../store/history-log.ts'
import { SortedByFirst } from '../store/memory-history-log.ts'
import { OpenChanges } from './changes.ts'
import { Segments } from './segments.ts'
import { HistoryTopic, HistoryTopics } from './topics.ts'
import type { HistoryRules } from './rules.ts'

/** What a journal is built from. */
export interface JournalParts {
  readonly log: HistoryLog
  readonly rules: HistoryRules
  readonly logger: Log
}

/** How long a message may wait for others before it is written with them. */
const WRITE_MS = 100
/** From so much on it is written at once. */
const WRITE_BYTES = 1024 ** 2
const RETRY_MS = 1000
const REPORT_EVERY_MS = 60_000
const MAX_PENDING_BYTES = 32 * 1024 ** 2
const MAX_TOPICS = 250_000

/**
 * The log of messages: what is appended stands in an open block, then among blocks that are being written, then in the store;
 * it is found in all three. Retention takes away at the old end.
 */
export class Journal {
  readonly topics: HistoryTopics
  readonly segments = new Segments()
  readonly changes = new OpenChanges()
  /** What blocks and runs take. */
  bytes = 0
  /** Of that, what is gone and still stands in a block. */
  deadBytes = 0
  /** Nothing is before it. */
  firstSequence = 1
  recorded = 0
  isFailing = false
  readonly #parts: JournalParts
  readonly #open = new BlockWriter()
  #openTopics: HistoryTopic[] = []
  #pending = new SortedByFirst<HistoryBlock>()
  #pendingBytes = 0
  #pendingMessages = 0
  #nextSequence = 1
  #nextTopic = 1
  #messages = 0
  #timer: NodeJS.Timeout | undefined = undefined
  #writing: Promise<void> | undefined = undefined
  #reportedAtMs = -REPORT_EVERY_MS
  #whenWritten: (() => void)[] = []
  readonly #onTimer: () => void

  constructor(parts: JournalParts) {
    this.#parts = parts
    this.topics = new HistoryTopics(parts.rules)
    this.#onTimer = () => {
      this.#timer = undefined
      this.#startWriting()
    }
  }

  get messages(): number {
    return this.#messages
  }

  get lastSequence(): number {
    return this.#nextSequence - 1
  }

  get pendingMessages(): number {
    return this.#pendingMessages
  }

  /** No more fits until the store has caught up. */
  get isBehind(): boolean {
    return this.#pendingBytes >= MAX_PENDING_BYTES
  }

  async start(): Promise<void> {
    this.#restore(await this.#parts.log.start())
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.isFailing) await this.#write()
    await this.#parts.log.stop()
  }

  /** The topic of this name, new if there was none; undefined when there are too many. */
  topicNamed(name: string): HistoryTopic | undefined {
    const topic = this.topics.get(name)
    if (topic !== undefined || this.topics.size >= MAX_TOPICS) return topic
    return this.topics.add(this.#nextTopic++, name)
  }

  /** Adds a copy of the message; `atMs` is in whole ms. */
  append(topic: HistoryTopic, atMs: number, message: Message): void {
    const sequence = this.#nextSequence++
    if (!this.#open.takes(sequence, atMs)) this.seal()
    this.segments.append(sequence, atMs)
    const bytes = this.#open.append(sequence, atMs, topic.number, message)
    if (topic.openDeltas.length === 0) this.#openTopics.push(topic)
    topic.openDeltas.push(sequence - this.#open.first)
    topic.openBytes += bytes
    topic.messages++
    topic.bytes += bytes
    topic.lastSequence = sequence
    topic.newestAtMs = atMs
    if (topic.isOverfull) this.topics.overfull.add(topic)
    this.#messages++
    this.#pendingMessages++
    this.#pendingBytes += bytes
    this.recorded++
    if (this.#timer === undefined && this.#writing === undefined) this.#timer = setTimeout(this.#onTimer, WRITE_MS)
    if (this.#pendingBytes >= WRITE_BYTES && this.#writing === undefined && !this.isFailing) this.#startWriting()
  }

  /** Ends the open block, so that it can be read. */
  seal(): void {
    if (this.#open.count === 0) return
    const { first } = this.#open
    const block = new HistoryBlock(first, this.#open.take())
    this.#pending.set(block)
    this.changes.putBlock(block)
    this.bytes += block.bytes
    for (const topic of this.#openTopics) {
      const run: Run = {
        topic: topic.number,
        first,
        lastAtMs: topic.newestAtMs,
        bytes: topic.openBytes,
        deltas: Uint16Array.from(topic.openDeltas),
      }
      topic.openDeltas = []
      topic.openBytes = 0
      topic.pendingRuns.push(run)
      this.changes.putRun(run)
      this.changes.touch(topic)
      this.bytes += runBytes(run)
    }
    this.#openTopics = []
  }

  /** The block whose first sequence number is the next from `first` on; `isBackwards`: the one before, `first` included. */
  block(first: number, isBackwards: boolean): HistoryBlock | undefined {
    const { log } = this.#parts
    if (isBackwards) return this.#pending.find(first, true) ?? log.block(first, true)
    return log.block(first, false) ?? this.#pending.find(first, false)
  }

  /** The same among the runs of a topic. */
  run(topic: HistoryTopic, first: number, isBackwards: boolean): Run | undefined {
    const { log } = this.#parts
    if (isBackwards) return lastUpTo(topic.pendingRuns, first) ?? log.run(topic.number, first, true)
    return log.run(topic.number, first, false) ?? topic.pendingRuns.find((run) => run.first >= first)
  }

  /** For retention: what is stored, never what waits. */
  storedBlock(first: number): HistoryBlock | undefined {
    const block = this.#parts.log.block(first, false)
    return block === undefined || this.#pending.find(block.first, false)?.first === block.first ? undefined : block
  }

  storedRun(topic: HistoryTopic, first: number): Run | undefined {
    const run = this.#parts.log.run(topic.number, first, false)
    return run === undefined || topic.pendingRuns[0]?.first === run.first ? undefined : run
  }

  /** Messages of a topic are no more; a topic without any goes with them. */
  removed(topic: HistoryTopic, messages: number, bytes: number): void {
    topic.messages -= messages
    topic.bytes -= bytes
    this.#messages -= messages
    if (topic.messages > 0 || topic.openDeltas.length > 0 || topic.pendingRuns.length > 0) {
      this.changes.touch(topic)
      return
    }
    this.topics.remove(topic)
    this.changes.removeTopic(topic)
  }

  /** Has what changed written soon. */
  wake(): void {
    if (this.#timer === undefined && this.#writing === undefined) this.#timer = setTimeout(this.#onTimer, WRITE_MS)
  }

  /** Resolves when what was appended so far is written, or could not be. */
  written(): Promise<void> {
    if (this.#open.count === 0 && this.changes.isEmpty && this.#writing === undefined) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenWritten.push(resolve)
      if (this.#writing === undefined && !this.isFailing) this.#startWriting()
      else if (this.isFailing) this.#tellWritten()
    })
  }

  #startWriting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#write()
  }

  async #write(): Promise<void> {
    this.seal()
    if (this.changes.isEmpty) {
      this.#done()
      return
    }
    const changes = this.changes.take(this.#totals())
    const pendingMessages = this.#pendingMessages
    const pendingBytes = this.#pendingBytes
    try {
      await this.#parts.log.write(changes)
    } catch (error) {
      this.changes.putBack(changes, this.topics.byNumber.bind(this.topics))
      this.#failed(error)
      return
    }
    for (const block of changes.putBlocks) this.#pending.delete(block.first)
    for (const { topic } of changes.putRuns) this.topics.byNumber(topic)?.pendingRuns.shift()
    this.#pendingMessages -= pendingMessages
    this.#pendingBytes -= pendingBytes
    if (this.isFailing) this.#parts.logger.warn({}, 'the history can be written again')
    this.isFailing = false
    this.#done()
  }

  #done(): void {
    this.#writing = undefined
    this.#tellWritten()
    if (this.#pendingMessages > 0 || !this.changes.isEmpty) this.wake()
  }

  #failed(error: unknown): void {
    this.#writing = undefined
    this.isFailing = true
    const reason = error instanceof Error ? error.message : String(error)
    if (performance.now() - this.#reportedAtMs >= REPORT_EVERY_MS) {
      this.#reportedAtMs = performance.now()
      const text =
        'the history cannot be written: messages go their way, and what does not fit in memory is left out of it'
      this.#parts.logger.error({ reason }, text)
    }
    this.#tellWritten()
    this.#timer ??= setTimeout(this.#onTimer, RETRY_MS)
  }

  #tellWritten(): void {
    const waiting = this.#whenWritten
    this.#whenWritten = []
    for (const proceed of waiting) proceed()
  }

  #totals(): HistoryTotals {
    const { bytes, deadBytes, segments } = this
    return {
      nextSequence: this.#nextSequence,
      nextTopic: this.#nextTopic,
      bytes,
      deadBytes,
      segments: segments.list(this.firstSequence),
    }
  }

  #restore({ topics, totals }: StoredHistory): void {
    for (const topic of topics) {
      this.topics.restore(topic)
      this.#messages += topic.messages
    }
    if (totals === undefined) return
    this.#nextSequence = totals.nextSequence
    this.#nextTopic = totals.nextTopic
    this.bytes = totals.bytes
    this.deadBytes = totals.deadBytes
    this.segments.restore(totals.segments)
    this.firstSequence = this.#parts.log.block(0, false)?.first ?? totals.nextSequence
  }
}

function lastUpTo(runs: readonly Run[], first: number): Run | undefined {
  for (let i = runs.length - 1; i >= 0; i--) {
    const run = runs[i]
    if (run !== undefined && run.first <= first) return run
  }
  return undefined
}
