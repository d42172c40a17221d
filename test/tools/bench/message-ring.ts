// Hot path: runs once a message sent; every throughput row measures it.
import { publishPacket, type QoS } from './packets.ts'

/** Where a payload says who sent it and as which message: publisher in 2 bytes, sequence number in 4. */
export const stampBytes = 6
/** Of the number of a topic that is drawn at random. */
export const TOPIC_DIGITS = 7

/** What all messages of a publisher have in common. */
export interface MessageForm {
  /** They must be equally long; the messages take them in turn. */
  topics: readonly string[]
  /** Each message goes to one of so many topics instead: the first of `topics`, whose last digits are then the number of one. */
  randomTopics?: number
  isRetained?: boolean
  qos: QoS
  payloadBytes: number
  /** As `publishProperties` makes them; none at 3.1.1. */
  properties?: Buffer
}

/**
 * The PUBLISH frames of one publisher's window, laid out once. A message is sent by stamping its sequence number into
 * its slot and writing the slot, so nothing is copied or allocated. A slot, and with it its packet identifier, is free
 * again when its message has been delivered and acknowledged: the bytes have left the socket long before.
 */
export class MessageRing {
  /** The same for all. */
  readonly frameBytes: number
  readonly slots: number
  readonly #frames: Buffer
  readonly #stampAt: number
  readonly #randomTopics: number
  /** Behind the last digit of the topic. */
  readonly #topicEnd: number

  constructor(publisher: number, form: MessageForm, slots: number) {
    const { topics, payloadBytes, qos, properties, randomTopics = 0 } = form
    const payload = patternPayload(publisher, payloadBytes)
    const frames = Array.from({ length: slots }, (_, slot) =>
      publishPacket({ ...form, topic: topics[slot % topics.length] ?? '', packetId: slot + 1 }, payload),
    )
    this.slots = slots
    this.#frames = Buffer.concat(frames)
    this.frameBytes = this.#frames.length / slots
    this.#stampAt = this.frameBytes - payloadBytes + 2
    this.#randomTopics = randomTopics
    this.#topicEnd = this.frameBytes - payloadBytes - (properties?.length ?? 0) - (qos > 0 ? 2 : 0)
  }

  /** Frames of messages `from` up to `to`, which must not wrap around the ring: see `contiguous`. */
  stamp(from: number, to: number): Buffer {
    const first = from % this.slots
    for (let sequence = from; sequence < to; sequence++) {
      const at = (first + sequence - from) * this.frameBytes + this.#stampAt
      this.#frames.writeUInt32BE(sequence, at)
      if (this.#randomTopics > 0) this.#drawTopic((first + sequence - from) * this.frameBytes + this.#topicEnd)
    }
    return this.#frames.subarray(first * this.frameBytes, (first + to - from) * this.frameBytes)
  }

  /** The last message, at most `to`, that lies behind `from` without a wrap. */
  contiguous(from: number, to: number): number {
    return Math.min(to, from + this.slots - (from % this.slots))
  }

  #drawTopic(end: number): void {
    let number = Math.floor(Math.random() * this.#randomTopics)
    for (let digit = 1; digit <= TOPIC_DIGITS; digit++) {
      this.#frames[end - digit] = 0x30 + (number % 10)
      number = Math.floor(number / 10)
    }
  }

  /** The packet identifier of a message. */
  packetId(sequence: number): number {
    return (sequence % this.slots) + 1
  }
}

/** A payload whose bytes after the stamp are known to sender and receiver. */
export function patternPayload(publisher: number, payloadBytes: number): Buffer {
  const payload = Buffer.alloc(payloadBytes)
  for (let at = stampBytes; at < payloadBytes; at++) payload[at] = (at * 31 + 7) & 0xff
  payload.writeUInt16BE(publisher, 0)
  return payload
}
