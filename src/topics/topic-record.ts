// Hot path: `settle` runs for each topic in a chunk of messages; measured by `npm run bench`, rows "100 topics each".
import { Rate } from '../observe/rate.ts'
import { TopicTrails } from '../trails/trails.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { KEPT_PAYLOAD_BYTES, type PayloadOwner, type Slab } from './last-payloads.ts'
import type { TopicSummary } from './topic-summary.ts'

export const RETAIN_FLAG = 4
/** One of those that came since the record was settled was to be retained. */
export const RETAINED_SINCE_FLAG = 8
const RATED_EVERY_MS = 1000

/**
 * What is counted of one topic. Only small integers are written per message: anything else would have the garbage collector
 * told of it, which costs more than all the counting.
 */
export class TopicRecord implements PayloadOwner {
  readonly topic: string
  messages = 0
  bytes = 0
  /** QoS, whether it was to be retained, and whether one before it was. */
  lastFlags = 0
  lastPayloadBytes = 0
  /** Where the last payload lies: in the buffer that is being handled, then in a slab. */
  payloadStart = 0
  isSettled = true
  isForgotten = false
  /** It is in the list of those that changed. */
  isChanged = false
  readonly followed = new TopicTrails()
  #lastAtMs = 0
  #retainedAtMs = 0
  #lastPublisher: string | undefined = undefined
  #isLastVersion5 = false
  #slab: Slab | undefined = undefined
  /** One byte a character, the smallest that a value can be held in; while there is no slab. */
  #lastPayload = ''
  readonly #messageRate = new Rate()
  readonly #byteRate = new Rate()
  #ratedAtMs = 0
  /** What the rates have seen. */
  #ratedMessages = 0
  #ratedBytes = 0

  constructor(topic: string) {
    this.topic = topic
  }

  get lastAtMs(): number {
    return this.#lastAtMs
  }

  get keptPayloadBytes(): number {
    return Math.min(this.lastPayloadBytes, KEPT_PAYLOAD_BYTES)
  }

  /** The last payload lies at `payloadStart` of the slab from now on. */
  settle(slab: Slab, publisher: string | undefined, isVersion5: boolean, atMs: number): void {
    if (this.#slab !== slab) {
      this.#slab = slab
      slab.owners.push(this)
    }
    this.isSettled = true
    this.#lastAtMs = atMs
    if ((this.lastFlags & RETAINED_SINCE_FLAG) !== 0) {
      this.#retainedAtMs = atMs
      this.lastFlags &= ~RETAINED_SINCE_FLAG
    }
    if (this.#lastPublisher !== publisher) this.#lastPublisher = publisher
    this.#isLastVersion5 = isVersion5
    if (atMs - this.#ratedAtMs >= RATED_EVERY_MS) this.#rate()
  }

  moveOut(slab: Slab): void {
    if (this.#slab !== slab) return
    const { payloadStart } = this
    this.#lastPayload = slab.bytes.toString('latin1', payloadStart, payloadStart + this.keptPayloadBytes)
    this.#slab = undefined
  }

  messagesPerSecond(nowMs: number): number {
    this.#rate()
    return this.#messageRate.perSecond(nowMs)
  }

  bytesPerSecond(nowMs: number): number {
    this.#rate()
    return this.#byteRate.perSecond(nowMs)
  }

  summary(nowMs: number): TopicSummary {
    return {
      topic: this.topic,
      messages: this.messages,
      bytes: this.bytes,
      messagesPerSecond: this.messagesPerSecond(nowMs),
      bytesPerSecond: this.bytesPerSecond(nowMs),
      retainedAtMs: this.#retainedAtMs === 0 ? undefined : this.#retainedAtMs,
      last: {
        atMs: this.#lastAtMs,
        publisher: this.#lastPublisher,
        qos: qosOf(this.lastFlags),
        retain: (this.lastFlags & RETAIN_FLAG) !== 0,
        payloadBytes: this.lastPayloadBytes,
        payload: this.#copyOfPayload(),
        isVersion5: this.#isLastVersion5,
      },
    }
  }

  #copyOfPayload(): Buffer {
    const { payloadStart } = this
    if (this.#slab === undefined) return Buffer.from(this.#lastPayload, 'latin1')
    return Buffer.from(this.#slab.bytes.subarray(payloadStart, payloadStart + this.keptPayloadBytes))
  }

  #rate(): void {
    const atMs = this.#lastAtMs
    this.#messageRate.add(this.messages - this.#ratedMessages, atMs)
    this.#byteRate.add(this.bytes - this.#ratedBytes, atMs)
    this.#ratedMessages = this.messages
    this.#ratedBytes = this.bytes
    this.#ratedAtMs = atMs
  }
}

function qosOf(flags: number): QoS {
  const qos = flags & 3
  return qos === 0 || qos === 1 ? qos : 2
}
