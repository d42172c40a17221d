// Hot path: `note` runs per message or run; measured by `npm run bench`, all throughput rows.
import { unboundedMemory } from '../base/memory-budget.ts'
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import type { Clock } from '../base/clock.ts'
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { PublisherNames } from './publisher-names.ts'
import { SortedTopics } from './sorted-topics.ts'
import { TopicChanges } from './topic-changes.ts'
import { TopicRates } from './topic-rates.ts'
import {
  BYTES,
  COLD_FLOATS,
  COUNTED_FLAG,
  DIRTY_FLAG,
  FLAGS,
  HOT_FIELDS,
  HOT_FLOATS,
  LAST_AT_MS,
  LAST_PAYLOAD_BYTES,
  MESSAGES,
  PAYLOAD_START,
  PUBLISHER,
  QOS_BITS,
  RETAIN_FLAG,
  RETAINED_AT_MS,
  RETAINED_SINCE_FLAG,
  type TopicNumber,
  type TopicRecords,
  VERSION5_FLAG,
} from './topic-records.ts'
import type { TopicSummary } from './topic-summary.ts'
import { type TableLimits, type TableOwner, TopicTable } from './topic-table.ts'

/** More topics than this in one buffer are settled in parts. */
const MAX_DIRTY = 16 * 1024

/**
 * The topics that were published to since the hub started: how much, how often, and the last message of each. All of a message
 * that only matters to those who look is done once for each topic in a buffer (`settle`).
 */
export class Topics implements TableOwner {
  readonly table: TopicTable
  readonly records: TopicRecords
  readonly rates: TopicRates
  readonly changes: TopicChanges
  readonly sorted: SortedTopics
  /** Is told after this of each topic that is forgotten; set once. */
  owner: TableOwner | undefined = undefined
  readonly #clock: Clock
  readonly #publishers = new PublisherNames()
  #count = 0
  /** Topics that a message of the buffer that is being handled belongs to, each once. */
  readonly #dirty = new Int32Array(MAX_DIRTY)
  #dirtyTopics = 0
  /** That buffer; all that is in it came at one time from one publisher. */
  #bytes: Buffer | undefined = undefined
  #publisher: string | undefined = undefined
  #isVersion5 = false

  /** What is known of them counts for `memory`. */
  constructor(limits: TableLimits, clock: Clock, memory = unboundedMemory().topics) {
    this.#clock = clock
    this.table = new TopicTable(limits, this, undefined, memory)
    this.records = this.table.records
    this.rates = new TopicRates(this.records, clock)
    this.changes = new TopicChanges(this.records)
    this.sorted = new SortedTopics(this.records, this.table.log)
  }

  /** Topics that had a message and are not the hub's own. */
  get count(): number {
    return this.#count
  }

  /** See `TopicTable.resolve`. */
  resolve(bytes: Buffer, start: number, end: number, payloadBytes: number): TopicNumber {
    if (this.#dirtyTopics === MAX_DIRTY) this.settle()
    return this.table.resolve(bytes, start, end, payloadBytes)
  }

  /** Counts a message, or a run of them, for its topic, which was resolved last. */
  note(message: Message, number: TopicNumber): void {
    const { bytes, end, start, lastPayloadStart, qos } = message
    if (bytes !== this.#bytes) this.#begin(message)
    const { hot, floats } = this.records
    const record = number * HOT_FIELDS
    const numbers = number * HOT_FLOATS
    if ((floats[numbers + LAST_AT_MS] ?? 0) < this.rates.windowStartMs) this.rates.roll(number)
    floats[numbers + MESSAGES] = (floats[numbers + MESSAGES] ?? 0) + message.count
    floats[numbers + BYTES] = (floats[numbers + BYTES] ?? 0) + end - start
    floats[numbers + LAST_AT_MS] = this.#clock.turnMs
    hot[record + LAST_PAYLOAD_BYTES] = end - lastPayloadStart
    hot[record + PAYLOAD_START] = lastPayloadStart
    const flags = hot[record + FLAGS] ?? 0
    if ((flags & DIRTY_FLAG) === 0) this.#dirty[this.#dirtyTopics++] = number
    if ((flags & COUNTED_FLAG) === 0) this.#begins(number)
    const retain = message.retain ? RETAIN_FLAG | RETAINED_SINCE_FLAG : 0
    hot[record + FLAGS] = (flags & ~(QOS_BITS | RETAIN_FLAG)) | qos | retain | DIRTY_FLAG | COUNTED_FLAG
  }

  /**
   * To be called when all of a buffer is handled: lets go of it. To do this per message, or to hold on to buffers for longer,
   * halved the row "100 topics each".
   */
  settle(): void {
    if (this.#bytes !== undefined) this.#settle(this.#bytes)
    this.table.letGo()
  }

  forget(number: TopicNumber): void {
    this.#publishers.leave(this.records.hot[number * HOT_FIELDS + PUBLISHER] ?? 0)
    if (this.records.isCounted(number)) this.#count--
    this.sorted.left(number)
    this.owner?.forget(number)
  }

  /** The number of a topic that had a message, or 0; what is known of it is up to date. */
  find(topic: string): TopicNumber {
    this.settle()
    const number = this.table.find(topic)
    return this.records.isCounted(number) ? number : 0
  }

  /** Of a topic that had a message. `settle` first. */
  summary(number: TopicNumber, nowMs: number): TopicSummary {
    const { hot, coldFloats } = this.records
    const { records, table } = this
    const flags = records.flags(number)
    const retainedAtMs = coldFloats[number * COLD_FLOATS + RETAINED_AT_MS] ?? 0
    return {
      topic: table.log.name(number),
      messages: records.messages(number),
      bytes: records.bytes(number),
      messagesPerSecond: this.rates.messagesPerSecond(number, nowMs),
      bytesPerSecond: this.rates.bytesPerSecond(number, nowMs),
      retainedAtMs: retainedAtMs === 0 ? undefined : retainedAtMs,
      last: {
        atMs: records.lastAtMs(number),
        publisher: this.#publishers.nameOf(hot[number * HOT_FIELDS + PUBLISHER] ?? 0),
        qos: qosOf(flags),
        retain: (flags & RETAIN_FLAG) !== 0,
        payloadBytes: hot[number * HOT_FIELDS + LAST_PAYLOAD_BYTES] ?? 0,
        payload: table.log.payload(number),
        isVersion5: (flags & VERSION5_FLAG) !== 0,
      },
    }
  }

  /** The topic has its first message. */
  #begins(number: TopicNumber): void {
    this.#count++
    this.sorted.came(number)
  }

  #begin({ bytes, publisher, isVersion5 }: Message): void {
    if (this.#bytes !== undefined) this.#settle(this.#bytes)
    this.rates.turn()
    this.#bytes = bytes
    this.#publisher = publisher
    this.#isVersion5 = isVersion5
  }

  #settle(bytes: Buffer): void {
    const before = LOOP_TIMES.enter(LoopPart.TOPICS)
    this.#bytes = undefined
    const { hot, floats, coldFloats } = this.records
    const { log } = this.table
    const view = this.table.view(bytes)
    const version5 = this.#isVersion5 ? VERSION5_FLAG : 0
    const publisher = this.#publishers.numberOf(this.#publisher)
    this.#publishers.enter(publisher)
    for (let i = 0; i < this.#dirtyTopics; i++) {
      const number = this.#dirty[i] ?? 0
      const record = number * HOT_FIELDS
      const flags = hot[record + FLAGS] ?? 0
      // It was forgotten meanwhile, and its number may even be that of another.
      if ((flags & DIRTY_FLAG) === 0) continue
      if ((flags & RETAINED_SINCE_FLAG) !== 0)
        coldFloats[number * COLD_FLOATS + RETAINED_AT_MS] = floats[number * HOT_FLOATS + LAST_AT_MS] ?? 0
      hot[record + FLAGS] = (flags & ~(DIRTY_FLAG | RETAINED_SINCE_FLAG | VERSION5_FLAG)) | version5
      if (hot[record + PUBLISHER] !== publisher) this.#setPublisher(record, publisher)
      log.keepPayload(number, bytes, view, hot[record + PAYLOAD_START] ?? 0, hot[record + LAST_PAYLOAD_BYTES] ?? 0)
      this.changes.note(number)
    }
    this.#publishers.leave(publisher)
    this.#dirtyTopics = 0
    LOOP_TIMES.leave(before)
  }

  #setPublisher(record: number, publisher: number): void {
    const { hot } = this.records
    this.#publishers.enter(publisher)
    this.#publishers.leave(hot[record + PUBLISHER] ?? 0)
    hot[record + PUBLISHER] = publisher
  }
}

function qosOf(flags: number): QoS {
  const qos = flags & QOS_BITS
  return qos === 0 || qos === 1 ? qos : 2
}
