/** A message that must arrive: QoS 1 or 2. */
export interface Outgoing {
  readonly topic: string
  readonly payload: string | Buffer
  readonly qos: 1 | 2
  readonly retain: boolean
  readonly contentType?: string
  /** Of a reply: what the request gave, to be given back. */
  readonly correlationData?: Buffer
}

/** Hands a message to the network; `done` is called when it is acknowledged, or with what went wrong. */
export type Send = (message: Outgoing, done: (error?: Error) => void) => void

/** The error of an acknowledgement that refuses the message. Any other error means that the message never left. */
export function isRefusal(error: Error): boolean {
  const code = reasonCodeOf(error)
  return code >= 0x80 && code !== PACKET_IDENTIFIER_NOT_FOUND
}

/**
 * A PUBREL that was sent once more after a reconnect may be answered so: the broker had done all before. For MQTT that is no error
 * [MQTT 5, 3.7.2.1], for mqtt.js it is.
 */
export function wasDoneBefore(error: Error): boolean {
  return reasonCodeOf(error) === PACKET_IDENTIFIER_NOT_FOUND
}

const PACKET_IDENTIFIER_NOT_FOUND = 0x92

function reasonCodeOf(error: Error): number {
  return 'code' in error && typeof error.code === 'number' ? error.code : 0
}

interface Entry {
  readonly message: Outgoing
  /** How many had been pushed before it. */
  readonly place: number
}

/** No more messages than this wait: an event that is thrown away is counted. */
const MAX_WAITING = 10_000
/** Below what brokers allow (Mosquitto: 20), so that none of them ends the connection. */
export const MAX_IN_FLIGHT = 10

/**
 * Keeps messages of QoS 1 and 2 until they are acknowledged, in order, and has few of them under way at once. mqtt.js keeps what it
 * was given and sends it again after a reconnect, but what it is given while it does so it throws away when the connection is
 * lost again, and it knows no limit of messages in flight. So it is given messages only between 'connect' and 'close'.
 */
export class Outbox {
  readonly #send: Send
  readonly #waiting: Entry[] = []
  readonly #idle: (() => void)[] = []
  readonly #inFlight = new Set<Entry>()
  #window = 0
  #pushed = 0
  /** Acknowledged. */
  acknowledged = 0
  /** Refused by the broker, or thrown away because too many were waiting. */
  lost = 0

  constructor(send: Send) {
    this.#send = send
  }

  /** Messages that are not acknowledged yet. */
  get pending(): number {
    return this.#waiting.length + this.#inFlight.size
  }

  push(message: Outgoing): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift()
      this.lost++
    }
    this.#waiting.push({ message, place: this.#pushed++ })
    this.#pump()
  }

  /** There is a connection: at most `window` messages may be under way. */
  open(window: number): void {
    this.#window = Math.min(window, MAX_IN_FLIGHT)
    this.#pump()
  }

  close(): void {
    this.#window = 0
  }

  /** The client is gone, and with it what it had under way: that has to be sent once more by the next. */
  reclaim(): void {
    this.close()
    for (const entry of this.#inFlight) this.#putBack(entry)
    this.#inFlight.clear()
  }

  /** Resolves when nothing is pending. */
  async untilIdle(): Promise<void> {
    if (this.pending === 0) return
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #pump(): void {
    while (this.#inFlight.size < this.#window) {
      const entry = this.#waiting.shift()
      if (entry === undefined) return
      this.#inFlight.add(entry)
      this.#send(entry.message, (error) => this.#done(entry, error))
    }
  }

  /** It waits where it was: before all that was pushed later. */
  #putBack(entry: Entry): void {
    const at = this.#waiting.findIndex(({ place }) => place > entry.place)
    this.#waiting.splice(at === -1 ? this.#waiting.length : at, 0, entry)
  }

  #done(entry: Entry, error: Error | undefined): void {
    if (!this.#inFlight.delete(entry)) return
    if (error === undefined) {
      this.acknowledged++
    } else if (isRefusal(error)) {
      this.lost++
    } else {
      this.#putBack(entry)
      this.close()
    }
    this.#pump()
    if (this.pending === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
