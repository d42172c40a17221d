// Hot path: runs once a frame delivered; every throughput row measures it.
import type { Client } from './client.ts'
import type { FrameHandler } from './frame-walker.ts'
import { patternPayload, stampBytes } from './message-ring.ts'
import { PacketType } from './packets.ts'

const fullCheckEvery = 1024

/**
 * A subscriber. Acknowledges what it gets and checks each message: length, publisher, and that sequence numbers come
 * one by one; and every byte of the payload of each 1,024th.
 */
export class Receiver implements FrameHandler {
  /** By publisher: the sequence number that is due next. */
  readonly due: Uint32Array
  deliveredMessages = 0
  /** QoS 2 messages that the broker has released. */
  releasedMessages = 0
  /** Messages that came after a later one of the same publisher, or came twice. */
  lateMessages = 0
  damaged = 0
  readonly #client: Client
  readonly #payloadBytes: number
  readonly #pattern: Buffer
  readonly #delivered: (publisher: number, sequence: number) => void

  /** `delivered` is told of each message. */
  constructor(
    client: Client,
    publishers: number,
    payloadBytes: number,
    delivered: (publisher: number, sequence: number) => void,
  ) {
    this.#client = client
    this.#payloadBytes = payloadBytes
    this.#pattern = patternPayload(0, payloadBytes)
    this.#delivered = delivered
    this.due = new Uint32Array(publishers)
    client.handle(this)
  }

  frame(chunk: Uint8Array, start: number, end: number): void {
    const first = chunk[start] ?? 0
    const type = first >> 4
    if (type === PacketType.publish) {
      const qos = (first >> 1) & 3
      const payload = end - this.#payloadBytes
      if (qos > 0) {
        const answer = qos === 1 ? PacketType.puback : PacketType.pubrec
        this.#client.acknowledge(answer, chunk[payload - 2] ?? 0, chunk[payload - 1] ?? 0)
      }
      this.#check(chunk, start, payload)
    } else if (type === PacketType.pubrel) {
      this.releasedMessages++
      this.#client.acknowledge(PacketType.pubcomp, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0)
    }
  }

  chunkEnd(): void {
    this.#client.flushAcknowledgements()
  }

  #check(chunk: Uint8Array, start: number, payload: number): void {
    const publisher = payload - start < 4 ? -1 : ((chunk[payload] ?? 0) << 8) | (chunk[payload + 1] ?? 0)
    const due = this.due[publisher]
    if (due === undefined) {
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
    if (sequence === due) this.due[publisher] = due + 1
    else if (sequence > due) this.due[publisher] = sequence + 1 // a gap: the window goes on, the sum at the end tells the loss
    else this.lateMessages++
    if (sequence % fullCheckEvery === 0) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset + payload + stampBytes, this.#payloadBytes - stampBytes)
      if (bytes.compare(this.#pattern, stampBytes) !== 0) this.damaged++
    }
    this.#delivered(publisher, sequence)
  }
}
