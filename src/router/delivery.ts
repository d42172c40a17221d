// Hot path: `termsFor` runs per message and subscriber; measured by `npm run bench`, all throughput rows.
import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { SubscriptionOptions } from '../protocol/subscription-options.ts'
import type { Terms } from '../store/store.ts'
import { NO_IDENTIFIERS, termsOf } from '../store/terms.ts'
import type { Trail } from '../trails/trail.ts'

/**
 * Whoever the router hands messages to: a session, a shared subscription, or a program that embeds the hub.
 *
 *   1. `deliver` returns without waiting and never throws; it runs once per message and subscriber.
 *   2. The message is a view that changes after `deliver` returns: take `message.keep()` of what is needed later.
 *   3. `delivery` says how it wants the message: `delivery.termsFor(message)`.
 *   4. With a `trail` the message is followed: the subscriber tells it what becomes of the message.
 */
export interface Subscriber {
  /** Whose messages a No Local subscription leaves out; absent for what is no client. */
  readonly clientId?: string
  /** What it gets at QoS 1 or 2 has to be stored; absent is no. */
  readonly isKept?: boolean
  deliver(message: Message, delivery: Delivery, trail: Trail | undefined): void
  /** Takes a run of QoS 0 messages at once (`Message.count`); without it they come one by one. */
  deliverRun?(run: Message, delivery: Delivery, trail: Trail | undefined): void
}

/**
 * That messages go to a subscriber, and how: what those of its subscriptions that match grant together. What it says never changes
 * once made.
 */
export class Delivery {
  readonly subscriber: Subscriber
  /** The highest QoS granted [MQTT-3.3.5-1]. */
  readonly qos: QoS
  /** Subscription Identifiers of all subscriptions that match [MQTT5-3.3.4-3]. */
  readonly identifiers: readonly number[]
  readonly isRetainAsPublished: boolean
  /** One of the subscriptions is No Local: to messages of the subscriber itself `own` applies [MQTT5-3.8.3-3]. */
  readonly isNoLocal: boolean
  /** What the other subscriptions grant; undefined: nothing, it does not get its own messages. */
  readonly own: Delivery | undefined
  /** See `Subscribers`, for a filter that has this one alone. */
  version = 0
  /** Terms with identifiers, by QoS and retain, once they were asked for. */
  #terms: (Terms | undefined)[] | undefined = undefined

  constructor(
    subscriber: Subscriber,
    qos: QoS,
    isRetainAsPublished: boolean,
    identifiers: readonly number[],
    isNoLocal: boolean,
    own: Delivery | undefined,
  ) {
    this.subscriber = subscriber
    this.qos = qos
    this.isRetainAsPublished = isRetainAsPublished
    this.identifiers = identifiers
    this.isNoLocal = isNoLocal
    this.own = own
  }

  /** What one subscription grants. */
  static of(subscriber: Subscriber, options: SubscriptionOptions): Delivery {
    const { qos, isRetainAsPublished, isNoLocal, identifier } = options
    const identifiers = identifier === 0 ? NO_IDENTIFIERS : [identifier]
    return new Delivery(subscriber, qos, isRetainAsPublished, identifiers, isNoLocal, undefined)
  }

  /** What this and another grant of the same subscriber are together: one copy at the higher QoS. */
  with(other: Delivery): Delivery {
    const isNoLocal = this.isNoLocal || other.isNoLocal
    return new Delivery(
      this.subscriber,
      this.qos < other.qos ? other.qos : this.qos,
      this.isRetainAsPublished || other.isRetainAsPublished,
      this.identifiers.concat(other.identifiers),
      isNoLocal,
      isNoLocal ? together(ownPart(this), ownPart(other)) : undefined,
    )
  }

  /** How a message goes out: at its own QoS or the granted one, whichever is lower [MQTT-3.8.4-6]. */
  termsFor(message: Message): Terms {
    const qos = message.qos < this.qos ? message.qos : this.qos
    const isRetained = this.isRetainAsPublished && message.retain
    return this.identifiers.length === 0
      ? termsOf(qos, isRetained, NO_IDENTIFIERS)
      : this.#withIdentifiers(qos, isRetained)
  }

  /** How a message that was retained before the subscription goes out [MQTT-3.3.1-8]. */
  termsForRetained(message: Message): Terms {
    const qos = message.qos < this.qos ? message.qos : this.qos
    return this.#withIdentifiers(qos, true)
  }

  #withIdentifiers(qos: QoS, isRetained: boolean): Terms {
    this.#terms ??= []
    return (this.#terms[qos * 2 + (isRetained ? 1 : 0)] ??= termsOf(qos, isRetained, this.identifiers))
  }
}

/** What a delivery grants to messages of the subscriber itself. */
function ownPart(delivery: Delivery): Delivery | undefined {
  return delivery.isNoLocal ? delivery.own : delivery
}

function together(one: Delivery | undefined, other: Delivery | undefined): Delivery | undefined {
  return one === undefined || other === undefined ? (one ?? other) : one.with(other)
}
