import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../base/log.ts'
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { plainOptions } from '../protocol/subscription-options.ts'
import type { Router } from '../router/router.ts'
import type { Subscriber } from '../router/delivery.ts'

/** Retained messages handed over before the loop is let go: well under 10 ms for a handler that does not compute. */
const REPLAY_SLICE_STEPS = 1000

/** Takes a message, a view that changes after it returns, at the QoS at which it is handed over. */
export type LocalHandler = (message: Message, qos: QoS, isRetained: boolean) => void

/** A subscription of the program that embeds the hub: has no session, no queue and no network. */
export class LocalSubscriber implements Subscriber {
  readonly filter: string
  readonly qos: QoS
  readonly #handler: LocalHandler
  readonly #router: Router
  readonly #ledger: Ledger
  readonly #log: Log
  #isStopped = false

  /** `filter` must be valid. */
  constructor(
    filter: string,
    qos: QoS,
    handler: LocalHandler,
    parts: { readonly router: Router; readonly ledger: Ledger; readonly log: Log },
  ) {
    this.filter = filter
    this.qos = qos
    this.#handler = handler
    this.#router = parts.router
    this.#ledger = parts.ledger
    this.#log = parts.log
  }

  start(): void {
    this.#router.subscribe(this, this.filter, plainOptions(this.qos))
  }

  /** Hands over the retained messages that match, in slices of the loop. */
  replayRetained(): void {
    this.#replay(this.#router.retained.matching(this.filter))
  }

  stop(): void {
    this.#isStopped = true
    this.#router.unsubscribe(this, this.filter)
  }

  deliver(message: Message): void {
    this.#router.trails.current?.tell(undefined, undefined, 'delivered', this.qos)
    this.#hand(message, false)
  }

  #replay(messages: Iterator<Message | undefined>): void {
    for (let step = 0; step < REPLAY_SLICE_STEPS && !this.#isStopped; step++) {
      const { value: message, done } = messages.next()
      if (done === true) return
      if (message === undefined) break
      this.#ledger.matched++
      this.#hand(message, true)
    }
    if (!this.#isStopped) setImmediate(() => this.#replay(messages))
  }

  #hand(message: Message, isRetained: boolean): void {
    this.#ledger.delivered++
    try {
      this.#handler(message, message.qos < this.qos ? message.qos : this.qos, isRetained)
    } catch (error) {
      this.#log.error({ filter: this.filter, topic: message.topic, err: error }, 'a handler of the program threw')
    }
  }
}
