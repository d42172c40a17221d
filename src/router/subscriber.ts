import type { Message } from '../protocol/message.ts'
import type { Delivery } from './delivery.ts'

/**
 * Whoever the router hands messages to: a session, a shared subscription, or a program that embeds the hub.
 *
 *   1. `deliver` returns without waiting and never throws; it runs once per message and subscriber.
 *   2. The message is a view that changes after `deliver` returns: take `message.keep()` of what is needed later.
 *   3. `delivery` says how it wants the message: `delivery.termsFor(message)`.
 */
export interface Subscriber {
  /** Whose messages a No Local subscription leaves out; absent for what is no client. */
  readonly clientId?: string
  /** What it gets at QoS 1 or 2 has to be stored; absent is no. */
  readonly isKept?: boolean
  deliver(message: Message, delivery: Delivery): void
  /** Takes a run of QoS 0 messages at once (`Message.count`); without it they come one by one. */
  deliverRun?(run: Message, delivery: Delivery): void
}
