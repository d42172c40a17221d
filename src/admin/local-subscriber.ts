import type { MessageHandler, SubscribeOptions } from './messages.ts'
import { argumentError, checkFlag, checkOptions, checkQos } from '../base/arguments.ts'
import type { Clock } from '../base/clock.ts'
import { HubbubError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { LoopPart } from '../base/loop-times.ts'
import { quote } from '../base/quote.ts'
import { TURN } from '../base/turn.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Message } from '../protocol/message.ts'
import { messageProperties } from '../protocol/message-properties.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { plainOptions } from '../protocol/subscription-options.ts'
import { topicFilterFault, type TopicLimits } from '../protocol/topic.ts'
import type { Router } from '../router/router.ts'
import type { Delivery, Subscriber } from '../router/delivery.ts'
import { isExpired } from '../session/outgoing/waiting-room.ts'
import type { Trail } from '../trails/trail.ts'

const OPTIONS = ['qos', 'isRetainedWanted', 'isRetainAsPublished']

/** What a subscription needs of the hub. */
export interface SubscriptionParts {
  readonly router: Router
  readonly ledger: Ledger
  readonly log: Log
  readonly clock: Clock
  readonly limits: TopicLimits
}

/**
 * Calls `handler` with each message that matches. Returns a function that ends it.
 * @throws HubbubError `ARGUMENT_INVALID`, `TOPIC_FILTER_INVALID`
 */
export function subscribe(
  parts: SubscriptionParts,
  filter: string,
  handler: MessageHandler,
  options: SubscribeOptions,
): () => void {
  if (typeof filter !== 'string') {
    throw argumentError(`Cannot subscribe: the filter must be a string, it is ${quote(filter)}`)
  }
  const cannot = `Cannot subscribe to ${JSON.stringify(filter)}`
  checkOptions(options, OPTIONS, cannot)
  const { qos = 2, isRetainedWanted = true, isRetainAsPublished = false } = options
  checkQos(qos, cannot)
  checkFlag('isRetainedWanted', isRetainedWanted, cannot)
  checkFlag('isRetainAsPublished', isRetainAsPublished, cannot)
  if (typeof handler !== 'function') {
    throw argumentError(`${cannot}: the handler must be a function, it is ${quote(handler)}`)
  }
  const fault = topicFilterFault(filter, parts.limits)
  if (fault !== undefined) throw new HubbubError('TOPIC_FILTER_INVALID', `${cannot}: ${fault}`)
  const subscriber = new LocalSubscriber(filter, handler, { qos, isRetainedWanted, isRetainAsPublished }, parts)
  subscriber.start()
  return () => subscriber.stop()
}

/** The options with their defaults. */
interface Terms {
  readonly qos: QoS
  readonly isRetainedWanted: boolean
  readonly isRetainAsPublished: boolean
}

/** A subscription that has no session, no queue and no network. */
export class LocalSubscriber implements Subscriber {
  readonly filter: string
  readonly qos: QoS
  readonly #handler: MessageHandler
  readonly #options: Terms
  readonly #parts: SubscriptionParts
  #isStopped = false

  /** `filter` must be valid. */
  constructor(filter: string, handler: MessageHandler, options: Terms, parts: SubscriptionParts) {
    this.filter = filter
    this.qos = options.qos
    this.#handler = handler
    this.#options = options
    this.#parts = parts
  }

  /** Hands over the retained messages that match, if they are wanted, in slices of the loop: new ones may come between. */
  start(): void {
    const { router } = this.#parts
    router.subscribe(this, this.filter, plainOptions(this.qos))
    if (this.#options.isRetainedWanted) TURN.run(LoopPart.REPLAY, this.#replay())
  }

  stop(): void {
    this.#isStopped = true
    this.#parts.router.unsubscribe(this, this.filter)
  }

  deliver(message: Message, _delivery: Delivery, trail: Trail | undefined): void {
    const followed = trail?.at(undefined, undefined, this.qos)
    if (this.#isStopped) {
      // Stopped since the message was routed.
      this.#parts.ledger.drop('session-ended', 1)
      followed?.tell('dropped', 'session-ended')
      return
    }
    followed?.tell('delivered')
    this.#hand(message, false)
  }

  *#replay(): Generator<void, void, undefined> {
    const { router, clock, ledger } = this.#parts
    for (const message of router.retained.matching(this.filter)) {
      if (this.#isStopped) return
      if (message !== undefined && !isExpired(message, clock)) {
        ledger.matched++
        this.#hand(message, true)
      }
      yield
    }
  }

  #hand(message: Message, isRetained: boolean): void {
    const { ledger, log, clock } = this.#parts
    const { topic } = message
    ledger.delivered++
    try {
      this.#handler({
        topic,
        payload: Buffer.from(message.payload),
        qos: message.qos < this.qos ? message.qos : this.qos,
        retain: isRetained || (this.#options.isRetainAsPublished && message.retain),
        properties: messageProperties(message, clock.lifetimeMs()),
      })
    } catch (error) {
      log.error({ filter: this.filter, topic, err: error }, 'a handler of the program threw')
    }
  }
}
