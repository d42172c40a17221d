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

  took(messages: number, bytes: number, nowMs: number): void {
    this.receivedMessages += messages
    this.receivedBytes += bytes
    this.#received.add(messages, nowMs)
  }

  gave(messages: number, bytes: number, nowMs: number): void {
    this.sentMessages += messages
    this.sentBytes += bytes
    this.#sent.add(messages, nowMs)
  }

  report(nowMs: number): TrafficReport {
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
