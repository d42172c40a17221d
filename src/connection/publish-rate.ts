// Hot path: `frame` runs per packet received, and only where limits.maxPublishRate is set.
import type { MalformedPacketError } from '../protocol/field-reader.ts'
import type { FrameSink } from '../protocol/frame-reader.ts'
import { PacketType } from '../protocol/packet-types.ts'

/** Whose packets are counted. */
export interface PublishRateOwner extends FrameSink {
  /** The client has sent more than it may: it is not to be read until `publishRateKept`. */
  publishRateExceeded(isFirstTime: boolean): void
  publishRateKept(): void
}

const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Holds one client to a number of PUBLISH packets a second, whatever their QoS, by a bucket of tokens that has room for one
 * second's worth, but at least one. What was read already is handled and owed: the client is read again when that is made up
 * for, so that the average holds whatever a chunk contains. It stands between reader and connection, so that a connection
 * without a limit counts nothing. Times are of `performance.now()`.
 */
export class PublishRate implements FrameSink {
  readonly #owner: PublishRateOwner
  readonly #messagesPerMs: number
  readonly #burstMessages: number
  /** What the client may send at `#settledMs`; below 0 it is what it owes. */
  #allowedMessages: number
  #settledMs = 0
  /** PUBLISH packets since then. */
  #unsettledMessages = 0
  #timer: NodeJS.Timeout | undefined = undefined
  #wasExceeded = false
  #isStopped = false

  constructor(owner: PublishRateOwner, messagesPerSecond: number) {
    this.#owner = owner
    this.#messagesPerMs = messagesPerSecond / 1000
    this.#burstMessages = Math.max(1, messagesPerSecond)
    this.#allowedMessages = this.#burstMessages
  }

  /** From `publishRateExceeded` to `publishRateKept`. */
  get isExceeded(): boolean {
    return this.#timer !== undefined
  }

  /** The packet being handled is one too many. */
  get isOverdrawn(): boolean {
    this.#balance(performance.now())
    return this.#allowedMessages < 0
  }

  /** The packet being handled was refused, so it does not count. */
  giveBack(): void {
    this.#allowedMessages++
  }

  frame(bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    if ((bytes[start] ?? 0) >> 4 === PacketType.PUBLISH) this.#unsettledMessages++
    return this.#owner.frame(bytes, start, bodyStart, end)
  }

  flush(): void {
    this.#owner.flush()
  }

  malformed(fault: MalformedPacketError): void {
    this.#owner.malformed(fault)
  }

  /** To be called when the packets of a chunk are handled. */
  settle(nowMs: number): void {
    this.#balance(nowMs)
    if (this.#allowedMessages >= 0 || this.isExceeded || this.#isStopped) return
    this.#wait()
    this.#owner.publishRateExceeded(!this.#wasExceeded)
    this.#wasExceeded = true
  }

  /** Leaves no timer; neither method of the owner is called from here on. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** Has the client read again or waits on, as more chunks may have come; only for the timer. */
  check(): void {
    this.#balance(performance.now())
    if (this.#allowedMessages < 0) {
      this.#wait()
      return
    }
    this.#timer = undefined
    this.#owner.publishRateKept()
  }

  #balance(nowMs: number): void {
    const earnedMessages = (nowMs - this.#settledMs) * this.#messagesPerMs
    this.#allowedMessages =
      Math.min(this.#burstMessages, this.#allowedMessages + earnedMessages) - this.#unsettledMessages
    this.#settledMs = nowMs
    this.#unsettledMessages = 0
  }

  #wait(): void {
    const owedMs = Math.ceil(-this.#allowedMessages / this.#messagesPerMs)
    this.#timer = setTimeout(check, Math.min(owedMs, MAX_TIMER_MS), this)
  }
}

function check(rate: PublishRate): void {
  rate.check()
}
