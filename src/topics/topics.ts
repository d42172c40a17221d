// Hot path: `note` runs per message or run; measured by `npm run bench`, all throughput rows.
import type { Clock } from '../base/clock.ts'
import type { Message } from '../protocol/message.ts'
import { LastPayloads } from './last-payloads.ts'
import { TopicChanges } from './topic-changes.ts'
import { TopicNameTree } from './topic-names.ts'
import { RETAIN_FLAG, RETAINED_SINCE_FLAG, TopicRecord } from './topic-record.ts'

/** How much of a full table is forgotten at once, the topics that were silent for longest. */
const FORGOTTEN_SHARE = 0.05
/** A piece of a chunk is copied whole when it has a topic's last message at least every so many bytes. */
const DENSE_BYTES = 512
const MAX_COPIED_BYTES = 64 * 1024

/** Who holds the record of a topic, so that a message of it needs no look-up. */
export interface RecordHolder {
  readonly topic: string
  record: TopicRecord | undefined
}

/** The topics that were published to since the hub started: how much, how often, and the last message of each. */
export class Topics {
  readonly tree = new TopicNameTree<TopicRecord>()
  readonly changes = new TopicChanges()
  readonly #clock: Clock
  readonly #maxTopics: number
  readonly #payloads = new LastPayloads()
  /** Records that a message of the buffer that is being handled belongs to, each once. */
  readonly #unsettled: TopicRecord[] = []
  /** That buffer; all that is in it came at one time from one publisher. */
  #bytes: Buffer | undefined = undefined
  #publisher: string | undefined = undefined
  #isVersion5 = false

  constructor(clock: Clock, maxTopics: number) {
    this.#clock = clock
    this.#maxTopics = maxTopics
  }

  get count(): number {
    return this.tree.size
  }

  /** Counts a message, or a run of them, and returns the record of its topic. */
  note(message: Message, holder: RecordHolder): TopicRecord {
    let record = holder.record
    if (record === undefined || record.isForgotten) record = this.#enter(holder)
    if (message.bytes !== this.#bytes) this.#begin(message)
    const { end, lastPayloadStart } = message
    record.messages += message.count
    record.bytes += end - message.start
    record.lastFlags =
      message.qos | (message.retain ? RETAIN_FLAG | RETAINED_SINCE_FLAG : record.lastFlags & RETAINED_SINCE_FLAG)
    record.lastPayloadBytes = end - lastPayloadStart
    record.payloadStart = lastPayloadStart
    if (record.isSettled) {
      record.isSettled = false
      this.#unsettled.push(record)
    }
    return record
  }

  get(topic: string): TopicRecord | undefined {
    this.settle()
    return this.tree.get(topic)
  }

  /**
   * To be called when all of a buffer is handled: lets go of it. Once for each topic in it, since to do this per message, or to
   * hold on to buffers for longer, halved the row "100 topics each".
   */
  settle(): void {
    const bytes = this.#bytes
    if (bytes === undefined) return
    this.#bytes = undefined
    const unsettled = this.#unsettled
    let start = bytes.length
    let end = 0
    for (const record of unsettled) {
      start = Math.min(start, record.payloadStart)
      end = Math.max(end, record.payloadStart + record.keptPayloadBytes)
    }
    const isDense = end - start <= Math.min(MAX_COPIED_BYTES, unsettled.length * DENSE_BYTES)
    if (isDense) this.#settleWhole(bytes, start, end)
    else this.#settleEach(bytes)
    this.changes.note(unsettled)
    unsettled.length = 0
  }

  #settleWhole(bytes: Buffer, start: number, end: number): void {
    const slab = this.#payloads.take(end - start)
    const shift = slab.usedBytes - start
    bytes.copy(slab.bytes, slab.usedBytes, start, end)
    slab.usedBytes += end - start
    for (const record of this.#unsettled) {
      record.payloadStart += shift
      record.settle(slab, this.#publisher, this.#isVersion5, this.#clock.turnMs)
    }
  }

  #settleEach(bytes: Buffer): void {
    for (const record of this.#unsettled) {
      const { payloadStart, keptPayloadBytes } = record
      const slab = this.#payloads.take(keptPayloadBytes)
      bytes.copy(slab.bytes, slab.usedBytes, payloadStart, payloadStart + keptPayloadBytes)
      record.payloadStart = slab.usedBytes
      slab.usedBytes += keptPayloadBytes
      record.settle(slab, this.#publisher, this.#isVersion5, this.#clock.turnMs)
    }
  }

  #begin({ bytes, publisher, isVersion5 }: Message): void {
    this.settle()
    this.#bytes = bytes
    this.#publisher = publisher
    this.#isVersion5 = isVersion5
  }

  #enter(holder: RecordHolder): TopicRecord {
    let record = this.tree.get(holder.topic)
    if (record === undefined) {
      if (this.count >= this.#maxTopics) this.#forgetSilent()
      record = new TopicRecord(holder.topic)
      this.tree.set(holder.topic, record)
    }
    holder.record = record
    return record
  }

  #forgetSilent(): void {
    const silentSince = this.#silentSince()
    for (const record of this.tree.values()) {
      if (record.lastAtMs > silentSince) continue
      record.isForgotten = true
      this.tree.delete(record.topic)
    }
  }

  /** The time of the last message before which the topics lie that are to be forgotten. */
  #silentSince(): number {
    const times = new Float64Array(this.count)
    let index = 0
    for (const record of this.tree.values()) times[index++] = record.lastAtMs
    times.sort()
    return times[Math.floor(times.length * FORGOTTEN_SHARE)] ?? 0
  }
}
