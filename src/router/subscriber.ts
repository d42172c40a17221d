import type { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'

/**
 * Whoever the router hands messages to: a session, or a program that embeds the hub.
 *
 *   1. `deliver` returns without waiting and never throws; it runs once per message and subscriber.
 *   2. The message is a view that changes after `deliver` returns: take `message.keep()` of what is needed later.
 *   3. `grantedQoS` is the highest QoS of its subscriptions that match [MQTT-3.3.5-1]; the delivery's own QoS is that or
 *      the message's, whichever is lower [MQTT-3.8.4-6].
 */
export interface Subscriber {
  /** What it gets at QoS 1 or 2 has to be stored; absent is no. */
  readonly isKept?: boolean
  deliver(message: Message, grantedQoS: QoS): void
  /** Takes a run of QoS 0 messages at once (`Message.count`); without it they come one by one. */
  deliverRun?(run: Message): void
}
