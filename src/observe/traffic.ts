// Hot path: `took` and `gave` run per message of a client; measured by `npm run bench`, all throughput rows.
import { Rate } from './rate.ts'

/** Messages and bytes of PUBLISH packets, from a client and to it. */
export interface TrafficReport {
  readonly receivedMessages: number
  readonly receivedBytes: number
  readonly sentMessages: number
  readonly sentBytes: number
  readonly receivedMessagesPerSecond: number
  readonly sentMessagesPerSecond: number
}

/** Counts what one client publishes and is sent. */
export class Traffic {
  receivedMessages = 0
  receivedBytes = 0
  sentMessages = 0
  sentBytes = 0
  readonly #received = new Rate()
  readonly #sent = new Rate()
  /** What the rates have seen. */
  #ratedReceived = 0
  #ratedSent = 0

  took(messages: number, bytes: number): void {
    this.receivedMessages += messages
    this.receivedBytes += bytes
  }

  gave(messages: number, bytes: number): void {
    this.sentMessages += messages
    this.sentBytes += bytes
  }

  /** Brings the rates up to date: to be called about every second. */
  settle(nowMs: number): void {
    const received = this.receivedMessages - this.#ratedReceived
    const sent = this.sentMessages - this.#ratedSent
    if (received > 0) this.#received.add(received, nowMs)
    if (sent > 0) this.#sent.add(sent, nowMs)
    this.#ratedReceived = this.receivedMessages
    this.#ratedSent = this.sentMessages
  }

  report(nowMs: number): TrafficReport {
    this.settle(nowMs)
    const { receivedMessages, receivedBytes, sentMessages, sentBytes } = this
    return {
      receivedMessages,
      receivedBytes,
      sentMessages,
      sentBytes,
      receivedMessagesPerSecond: this.#received.perSecond(nowMs),
      sentMessagesPerSecond: this.#sent.perSecond(nowMs),
    }
  }
}
