// Hot path: runs once a frame delivered; every throughput row measures it.
import type { Arrivals } from './arrivals.ts'
import type { Client } from './client.ts'
import { lengthEnd, propertiesAt, propertiesEnd } from './frame-parts.ts'
import type { FrameHandler } from './frame-walker.ts'
import { patternPayload, stampBytes } from './message-ring.ts'
import { PacketType } from './packets.ts'

const fullCheckEvery = 1024

/** What each message must be. */
export interface Expected {
  payloadBytes: number
  /** What publishers put into each, as `publishProperties` makes them; a broker may add others before and behind. */
  properties?: Buffer
}

/**
 * A subscriber. Acknowledges what it gets and checks each message: length, publisher, and that its sequence number is
 * due; and every byte of the properties and of the payload of each 1,024th. Where properties and payload begin is looked
 * up only when a frame is not as long as the one before: in all rows topics and payloads are equally long.
 */
export class Receiver implements FrameHandler {
  readonly arrivals: Arrivals
  deliveredMessages = 0
  /** QoS 2 messages that the broker has released. */
  releasedMessages = 0
  /** Messages that were not due: their `arrivals` say why. */
  lateMessages = 0
  damaged = 0
  readonly #client: Client
  readonly #isMqtt5: boolean
  readonly #payloadBytes: number
  readonly #pattern: Buffer
  readonly #properties: Buffer
  readonly #publishers: number
  readonly #delivered: (publisher: number, sequence: number) => void
  /** The length of the frames whose layout is known, and their first byte. */
  #frameBytes = -1
  #firstByte = 0
  /** From the start of such a frame; at 3.1.1, properties and payload begin together. */
  #propertiesAt = 0
  #payloadAt = 0

  /** `delivered` is told of each message. */
  constructor(
    client: Client,
    { payloadBytes, properties = Buffer.alloc(0) }: Expected,
    arrivals: Arrivals,
    delivered: (publisher: number, sequence: number) => void,
  ) {
    this.#client = client
    this.#isMqtt5 = client.greeting.version === 5
    this.#payloadBytes = payloadBytes
    this.#pattern = patternPayload(0, payloadBytes)
    this.#properties = this.#isMqtt5 ? properties.subarray(lengthEnd(properties, 0)) : properties
    this.#publishers = arrivals.due.length
    this.#delivered = delivered
    this.arrivals = arrivals
    client.handle(this)
  }

  frame(chunk: Uint8Array, start: number, end: number): void {
    const first = chunk[start] ?? 0
    const type = first >> 4
    if (type === PacketType.publish) {
      if ((end - start !== this.#frameBytes || first !== this.#firstByte) && !this.#learnLayout(chunk, start, end)) {
        this.damaged++
        return
      }
      const qos = (first >> 1) & 3
      if (qos > 0) {
        const at = start + this.#propertiesAt - 2
        const answer = qos === 1 ? PacketType.puback : PacketType.pubrec
        this.#client.acknowledge(answer, chunk[at] ?? 0, chunk[at + 1] ?? 0)
      }
      this.#check(chunk, start, start + this.#payloadAt)
    } else if (type === PacketType.pubrel) {
      this.releasedMessages++
      this.#client.acknowledge(PacketType.pubcomp, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0)
    } else if (type === PacketType.disconnect) this.#client.noteDisconnect(chunk, start, end)
  }

  chunkEnd(): void {
    this.#client.flushAcknowledgements()
  }

  #check(chunk: Uint8Array, start: number, payload: number): void {
    const publisher = ((chunk[payload] ?? 0) << 8) | (chunk[payload + 1] ?? 0)
    if (publisher >= this.#publishers) {
      this.damaged++
      return
    }
    const sequence =
      (((chunk[payload + 2] ?? 0) << 24) |
        ((chunk[payload + 3] ?? 0) << 16) |
        ((chunk[payload + 4] ?? 0) << 8) |
        (chunk[payload + 5] ?? 0)) >>>
      0
    this.deliveredMessages++
    if (!this.arrivals.note(publisher, sequence)) this.lateMessages++
    if (sequence % fullCheckEvery === 0 && !this.#isIntact(chunk, start)) this.damaged++
    this.#delivered(publisher, sequence)
  }

  /** Finds where the parts of a PUBLISH begin; false when they do not fit the frame. */
  #learnLayout(chunk: Uint8Array, start: number, end: number): boolean {
    const payload = end - this.#payloadBytes
    const properties = this.#isMqtt5 ? propertiesAt(chunk, start) : payload
    const isWhole = payload - start >= 4 && (!this.#isMqtt5 || propertiesEnd(chunk, properties) === payload)
    this.#frameBytes = isWhole ? end - start : -1
    this.#firstByte = chunk[start] ?? 0
    this.#propertiesAt = properties - start
    this.#payloadAt = payload - start
    return isWhole
  }

  /** Whether layout, properties and payload are as sent. */
  #isIntact(chunk: Uint8Array, start: number): boolean {
    const frame = Buffer.from(chunk.buffer, chunk.byteOffset + start, this.#frameBytes)
    return (
      this.#learnLayout(frame, 0, frame.length) &&
      frame.subarray(this.#propertiesAt, this.#payloadAt).includes(this.#properties) &&
      frame.compare(this.#pattern, stampBytes, this.#payloadBytes, this.#payloadAt + stampBytes) === 0
    )
  }
}
