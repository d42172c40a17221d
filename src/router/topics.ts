// Hot path: `note` runs per message or run; measured by `npm run bench`, all throughput rows.
import type { Clock } from '../observe/clock.ts'
import { TopicTrails } from '../observe/trails.ts'
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { Rate } from '../observe/rate.ts'
import type { Route } from './routes.ts'
import { TopicNameTree } from './topic-names.ts'
import type { TopicSummary } from './topic-summary.ts'

/** Payload bytes of the last message that are kept for each topic. */
const KEPT_PAYLOAD_BYTES = 512
/** Until then the last message of a topic is a view of the chunk it came in, which costs nothing but keeps the chunk alive. */
const SETTLE_MS = 100
const SETTLE_TOPICS = 1000
/** How much of a full table is forgotten at once, the topics that were silent for longest. */
const FORGOTTEN_SHARE = 0.05

/** What is counted of one topic. */
export class TopicRecord {
  readonly topic: string
  messages = 0
  bytes = 0
  lastAtMs = 0
  lastPublisher: string | undefined = undefined
  lastQos: QoS = 0
  lastRetain = false
  lastIsVersion5 = false
  lastPayloadBytes = 0
  /** One byte a character, the smallest that a value can be held in. */
  lastPayload = ''
  /** Where the last payload lies that is not in `lastPayload` yet. */
  view: Buffer | undefined = undefined
  viewStart = 0
  isForgotten = false
  readonly messageRate = new Rate()
  readonly byteRate = new Rate()
  readonly followed = new TopicTrails()

  constructor(topic: string) {
    this.topic = topic
  }

  /** Takes a copy of the last payload. */
  settle(): void {
    if (this.view === undefined) return
    const keptBytes = Math.min(this.lastPayloadBytes, KEPT_PAYLOAD_BYTES)
    this.lastPayload = this.view.toString('latin1', this.viewStart, this.viewStart + keptBytes)
    this.view = undefined
  }

  summary(nowMs: number): TopicSummary {
    this.settle()
    return {
      topic: this.topic,
      messages: this.messages,
      bytes: this.bytes,
      messagesPerSecond: this.messageRate.perSecond(nowMs),
      bytesPerSecond: this.byteRate.perSecond(nowMs),
      last: {
        atMs: this.lastAtMs,
        publisher: this.lastPublisher,
        qos: this.lastQos,
        retain: this.lastRetain,
        payloadBytes: this.lastPayloadBytes,
        payload: Buffer.from(this.lastPayload, 'latin1'),
        isVersion5: this.lastIsVersion5,
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
  /** Records with a view, each once. */
  readonly #unsettled: TopicRecord[] = []
  #settleTimer: NodeJS.Timeout | undefined = undefined
  readonly #settle: () => void

  constructor(clock: Clock, maxTopics: number) {
    this.#clock = clock
    this.#maxTopics = maxTopics
    this.#settle = () => this.settle()
  }

  get count(): number {
    return this.tree.size
  }

  /** Counts a message, or a run of them, and returns the record of its topic. */
  note(message: Message, route: Route): TopicRecord {
    let record = route.record
    if (record === undefined || record.isForgotten) record = this.#enter(route)
    const { count, packetBytes } = message
    const nowMs = this.#clock.turnMs
    record.messages += count
    record.bytes += packetBytes
    record.messageRate.add(count, nowMs)
    record.byteRate.add(packetBytes, nowMs)
    record.lastAtMs = nowMs
    record.lastPublisher = message.publisher
    record.lastQos = message.qos
    record.lastRetain = message.retain
    record.lastIsVersion5 = message.isVersion5
    record.lastPayloadBytes = message.end - message.lastPayloadStart
    const isSettled = record.view === undefined
    record.view = message.bytes
    record.viewStart = message.lastPayloadStart
    if (isSettled) this.#addUnsettled(record)
    return record
  }

  get(topic: string): TopicRecord | undefined {
    return this.tree.get(topic)
  }

  /** From now on the watcher is told of every record that changed, once for about each tenth of a second. */
  addWatcher(watcher: TopicWatcher): void {
    this.#watchers.add(watcher)
  }

  removeWatcher(watcher: TopicWatcher): void {
    this.#watchers.delete(watcher)
  }

  /** Lets go of the chunks that last messages still lie in, and tells the watchers. */
  settle(): void {
    clearTimeout(this.#settleTimer)
    this.#settleTimer = undefined
    for (const record of this.#unsettled) {
      record.settle()
      for (const watcher of this.#watchers) watcher.changed(record)
    }
    this.#unsettled.length = 0
  }

  #addUnsettled(record: TopicRecord): void {
    const unsettled = this.#unsettled.push(record)
    if (unsettled >= SETTLE_TOPICS) this.settle()
    else this.#settleTimer ??= setTimeout(this.#settle, SETTLE_MS)
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
