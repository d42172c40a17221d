import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../observe/log.ts'
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { plainOptions } from '../protocol/subscription-options.ts'
import type { Delivery } from '../router/delivery.ts'
import type { Router } from '../router/router.ts'
import type { Subscriber } from '../router/subscriber.ts'

/** A message as a program that embeds the hub gets it. The payload is its own. */
export interface ReceivedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  /** It was retained before the subscription was made. */
  readonly retain: boolean
}

/** Retained messages handed over before the loop is let go: well under 10 ms for a handler that does not compute. */
const REPLAY_SLICE_STEPS = 1000

export type MessageHandler = (message: ReceivedMessage) => void

/** A subscription of the program that embeds the hub: has no session, no queue and no network. */
export class LocalSubscriber implements Subscriber {
  readonly #filter: string
  readonly #handler: MessageHandler
  readonly #router: Router
  readonly #ledger: Ledger
  readonly #log: Log
  #isStopped = false

  constructor(filter: string, handler: MessageHandler, parts: { router: Router; ledger: Ledger; log: Log }) {
    this.#filter = filter
    this.#handler = handler
    this.#router = parts.router
    this.#ledger = parts.ledger
    this.#log = parts.log
  }

  /** Subscribes, and hands over the retained messages that match, in slices of the loop. `filter` must be valid. */
  start(qos: QoS): void {
    this.#router.subscribe(this, this.#filter, plainOptions(qos))
    this.#replay(this.#router.retained.matching(this.#filter), qos)
  }

  stop(): void {
    this.#isStopped = true
    this.#router.unsubscribe(this, this.#filter)
  }

  #replay(messages: Iterator<Message | undefined>, qos: QoS): void {
    for (let step = 0; step < REPLAY_SLICE_STEPS && !this.#isStopped; step++) {
      const { value: message, done } = messages.next()
      if (done === true) return
      if (message === undefined) break
      this.#ledger.matched++
      this.#hand(message, qos, true)
    }
    if (!this.#isStopped) setImmediate(() => this.#replay(messages, qos))
  }

  deliver(message: Message, { qos }: Delivery): void {
    this.#hand(message, qos, false)
  }

  #hand(message: Message, grantedQoS: QoS, retain: boolean): void {
    this.#ledger.delivered++
    const qos = message.qos < grantedQoS ? message.qos : grantedQoS
    try {
      this.#handler({ topic: message.topic, payload: Buffer.from(message.payload), qos, retain })
    } catch (error) {
      this.#log.error({ filter: this.#filter, topic: message.topic, err: error }, 'a handler of the program threw')
    }
  }
}
