// Hot path: `note` runs per message or run; measured by `npm run bench`, all throughput rows.
import type { Clock } from '../observe/clock.ts'
import { TopicTrails } from '../observe/trails.ts'
import type { Message } from '../protocol/message.ts'
import { Rate } from '../observe/rate.ts'
import type { Route } from './routes.ts'
import { TopicNameTree } from './topic-names.ts'
import type { TopicSummary } from './topic-summary.ts'

/** Payload bytes of the last message that are kept for each topic. */
const KEPT_PAYLOAD_BYTES = 512
/** How much of a full table is forgotten at once, the topics that were silent for longest. */
const FORGOTTEN_SHARE = 0.05

const RETAIN_FLAG = 4

/**
 * What is counted of one topic. Only small integers are written per message: anything else would have the garbage collector
 * told of it, which costs more than all the counting.
 */
export class TopicRecord {
  readonly topic: string
  messages = 0
  bytes = 0
  /** QoS, and whether it was to be retained. */
  lastFlags = 0
  lastPayloadBytes = 0
  /** Where the last payload lies in the buffer that is being handled. */
  payloadStart = 0
  isSettled = true
  isForgotten = false
  readonly followed = new TopicTrails()
  #lastAtMs = 0
  #lastPublisher: string | undefined = undefined
  #isLastVersion5 = false
  /** One byte a character, the smallest that a value can be held in. */
  #lastPayload = ''
  readonly #messageRate = new Rate()
  readonly #byteRate = new Rate()
  /** What the rates have seen. */
  #ratedMessages = 0
  #ratedBytes = 0

  constructor(topic: string) {
    this.topic = topic
  }

  get lastAtMs(): number {
    return this.#lastAtMs
  }

  /** Takes out of the buffer what is to be kept of the last message, and brings the rates up to date. */
  settle(bytes: Buffer, publisher: string | undefined, isVersion5: boolean, atMs: number): void {
    const keptBytes = Math.min(this.lastPayloadBytes, KEPT_PAYLOAD_BYTES)
    this.#lastPayload = bytes.toString('latin1', this.payloadStart, this.payloadStart + keptBytes)
    this.isSettled = true
    this.#lastAtMs = atMs
    this.#lastPublisher = publisher
    this.#isLastVersion5 = isVersion5
    this.#messageRate.add(this.messages - this.#ratedMessages, atMs)
    this.#byteRate.add(this.bytes - this.#ratedBytes, atMs)
    this.#ratedMessages = this.messages
    this.#ratedBytes = this.bytes
  }

  summary(nowMs: number): TopicSummary {
    const qos = this.lastFlags & 3
    return {
      topic: this.topic,
      messages: this.messages,
      bytes: this.bytes,
      messagesPerSecond: this.#messageRate.perSecond(nowMs),
      bytesPerSecond: this.#byteRate.perSecond(nowMs),
      last: {
        atMs: this.#lastAtMs,
        publisher: this.#lastPublisher,
        qos: qos === 0 ? 0 : qos === 1 ? 1 : 2,
        retain: (this.lastFlags & RETAIN_FLAG) !== 0,
        payloadBytes: this.lastPayloadBytes,
        payload: Buffer.from(this.#lastPayload, 'latin1'),
        isVersion5: this.#isLastVersion5,
      },
    }
  }
}

/** Whoever is told of topics that had a message. */
export interface TopicWatcher {
  changed(record: TopicRecord): void
}

/** The topics that were published to since the hub started: how much, how often, and the last message of each. */
export class Topics {
  readonly tree = new TopicNameTree<TopicRecord>()
  readonly #clock: Clock
  readonly #maxTopics: number
  readonly #watchers = new Set<TopicWatcher>()
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
  note(message: Message, route: Route): TopicRecord {
    let record = route.record
    if (record === undefined || record.isForgotten) record = this.#enter(route)
    if (message.bytes !== this.#bytes) this.#begin(message)
    const { end, lastPayloadStart } = message
    record.messages += message.count
    record.bytes += end - message.start
    record.lastFlags = message.qos | (message.retain ? RETAIN_FLAG : 0)
    record.lastPayloadBytes = end - lastPayloadStart
    record.payloadStart = lastPayloadStart
    if (record.isSettled) {
      record.isSettled = false
      this.#unsettled.push(record)
    }
    return record
  }

  get(topic: string): TopicRecord | undefined {
    return this.tree.get(topic)
  }

  /** From now on the watcher is told of every record that changes. */
  addWatcher(watcher: TopicWatcher): void {
    this.#watchers.add(watcher)
  }

  removeWatcher(watcher: TopicWatcher): void {
    this.#watchers.delete(watcher)
  }

  /**
   * To be called when all of a buffer is handled: lets go of it, and tells the watchers. Once for each topic in it, since to do
   * this per message, or to hold on to buffers for longer, halved the row "100 topics each".
   */
  settle(): void {
    const bytes = this.#bytes
    if (bytes === undefined) return
    const { turnMs } = this.#clock
    for (const record of this.#unsettled) {
      record.settle(bytes, this.#publisher, this.#isVersion5, turnMs)
      for (const watcher of this.#watchers) watcher.changed(record)
    }
    this.#unsettled.length = 0
    this.#bytes = undefined
  }

  #begin({ bytes, publisher, isVersion5 }: Message): void {
    this.settle()
    this.#bytes = bytes
    this.#publisher = publisher
    this.#isVersion5 = isVersion5
  }

  #enter(route: Route): TopicRecord {
    let record = this.tree.get(route.topic)
    if (record === undefined) {
      if (this.count >= this.#maxTopics) this.#forgetSilent()
      record = new TopicRecord(route.topic)
      this.tree.set(route.topic, record)
    }
    route.record = record
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
