// Hot path: runs once an acknowledgement and once a burst sent; every throughput row measures it.
import type { Client } from './client.ts'
import type { FrameHandler } from './frame-walker.ts'
import { MessageRing } from './message-ring.ts'
import { PacketType, type QoS } from './packets.ts'
import type { Receiver } from './receiver.ts'

/** What a publisher sends. */
export interface Publication {
  topics: readonly string[]
  qos: QoS
  payloadBytes: number
  windowMessages: number
}

/** A publisher that never has more than a window of messages on their way to any of its subscribers. */
export class WindowedPublisher implements FrameHandler {
  sentMessages = 0
  acknowledgedMessages = 0
  misorderedAcknowledgements = 0
  /** It sends no more than this. */
  maxMessages = Infinity
  readonly receivers: readonly Receiver[]
  readonly #client: Client
  readonly #ring: MessageRing
  readonly #index: number
  readonly #qos: number
  readonly #queue: FillQueue

  constructor(
    client: Client,
    index: number,
    publication: Publication,
    receivers: readonly Receiver[],
    queue: FillQueue,
  ) {
    this.#client = client
    this.#index = index
    const { topics, qos, payloadBytes, windowMessages } = publication
    this.#qos = qos
    this.receivers = receivers
    this.#queue = queue
    this.#ring = new MessageRing(index, topics, payloadBytes, qos, windowMessages)
    client.handle(this)
  }

  frame(chunk: Uint8Array, start: number): void {
    const type = (chunk[start] ?? 0) >> 4
    const high = chunk[start + 2] ?? 0
    const low = chunk[start + 3] ?? 0
    if (type === PacketType.pubrec) this.#client.acknowledge(PacketType.pubrel, high, low)
    else if (type === PacketType.puback || type === PacketType.pubcomp) {
      // [MQTT-4.6.0-2] [MQTT-4.6.0-3] acknowledgements come in the order of their messages.
      if (((high << 8) | low) !== this.#ring.packetId(this.acknowledgedMessages)) this.misorderedAcknowledgements++
      this.acknowledgedMessages++
    }
  }

  chunkEnd(): void {
    this.#client.flushAcknowledgements()
    this.#queue.add(this)
  }

  /** How many messages every one of its subscribers has, and the broker has acknowledged. */
  finishedMessages(): number {
    let finished = this.#qos > 0 ? this.acknowledgedMessages : this.sentMessages
    for (const receiver of this.receivers) finished = Math.min(finished, receiver.due[this.#index] ?? 0)
    return finished
  }

  /** Sends what the window allows, once that is a quarter of it: a write costs more than the messages in it. */
  fill(): void {
    const end = Math.min(this.finishedMessages() + this.#ring.slots, this.maxMessages)
    if (end - this.sentMessages < this.#ring.slots / 4 && end < this.maxMessages) return
    while (this.sentMessages < end) {
      const to = this.#ring.contiguous(this.sentMessages, end)
      this.#client.socket.write(this.#ring.stamp(this.sentMessages, to))
      this.sentMessages = to
    }
  }
}

/** Publishers that may send again: each does so once at the end of the turn, when every readable socket is read. */
export class FillQueue {
  isOpen = true
  #waiting = new Set<WindowedPublisher>()

  add(publisher: WindowedPublisher): void {
    if (!this.isOpen) return
    if (this.#waiting.size === 0) setImmediate(() => this.#run())
    this.#waiting.add(publisher)
  }

  #run(): void {
    const ready = this.#waiting
    this.#waiting = new Set()
    if (!this.isOpen) return
    for (const publisher of ready) publisher.fill()
  }
}
