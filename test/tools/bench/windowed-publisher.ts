// Hot path: runs once an acknowledgement and once a burst sent; every throughput row measures it.
import type { Arrivals } from './arrivals.ts'
import type { Client } from './client.ts'
import type { FrameHandler } from './frame-walker.ts'
import { MessageRing, type MessageForm } from './message-ring.ts'
import { PacketType } from './packets.ts'

/** What a publisher sends. */
export interface Publication extends MessageForm {
  windowMessages: number
}

/** A publisher that never has more than a window of messages on their way to any of those who get them. */
export class WindowedPublisher implements FrameHandler {
  sentMessages = 0
  acknowledgedMessages = 0
  misorderedAcknowledgements = 0
  /** Acknowledged with an error, as only MQTT 5 can. */
  refusedMessages = 0
  /** It sends no more than this. */
  maxMessages = Infinity
  /** One for each message that is due for a message sent: of a subscriber, or of a group that shares a subscription. */
  readonly arrivals: readonly Arrivals[]
  readonly #client: Client
  readonly #ring: MessageRing
  readonly #index: number
  readonly #qos: number
  readonly #queue: FillQueue

  constructor(
    client: Client,
    index: number,
    publication: Publication,
    arrivals: readonly Arrivals[],
    queue: FillQueue,
  ) {
    this.#client = client
    this.#index = index
    this.#qos = publication.qos
    this.arrivals = arrivals
    this.#queue = queue
    this.#ring = new MessageRing(index, publication, publication.windowMessages)
    client.handle(this)
  }

  frame(chunk: Uint8Array, start: number, end: number): void {
    const type = (chunk[start] ?? 0) >> 4
    const high = chunk[start + 2] ?? 0
    const low = chunk[start + 3] ?? 0
    // MQTT 5 may add a reason code; from 0x80 on it is an error, which ends the exchange.
    const isRefused = end - start > 4 && (chunk[start + 4] ?? 0) >= 0x80
    if (type === PacketType.pubrec && !isRefused) this.#client.acknowledge(PacketType.pubrel, high, low)
    else if (type === PacketType.disconnect) this.#client.noteDisconnect(chunk, start, end)
    else if (type === PacketType.puback || type === PacketType.pubrec || type === PacketType.pubcomp) {
      if (isRefused) this.refusedMessages++
      // [MQTT-4.6.0-2] [MQTT-4.6.0-3] acknowledgements come in the order of their messages.
      if (((high << 8) | low) !== this.#ring.packetId(this.acknowledgedMessages)) this.misorderedAcknowledgements++
      this.acknowledgedMessages++
    }
  }

  chunkEnd(): void {
    this.#client.flushAcknowledgements()
    this.#queue.add(this)
  }

  /** How many messages all who get them have, and the broker has acknowledged. */
  finishedMessages(): number {
    let finished = this.#qos > 0 ? this.acknowledgedMessages : this.sentMessages
    for (const { due } of this.arrivals) finished = Math.min(finished, due[this.#index] ?? 0)
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
