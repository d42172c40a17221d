import type { QoS } from './packet-types.ts'

/** What a client asks of one subscription [MQTT5 §3.8.3.1]. One of 3.1.1 asks for a QoS only. */
export interface SubscriptionOptions {
  readonly qos: QoS
  /** Messages of the client itself are not sent back to it [MQTT5-3.8.3-3]. */
  readonly isNoLocal: boolean
  /** RETAIN goes out as the publisher set it, instead of 0 [MQTT5-3.3.1-13]. */
  readonly isRetainAsPublished: boolean
  /** The Subscription Identifier to be sent with each message, 1 to 268,435,455; 0 is none. */
  readonly identifier: number
}

/** The options of a subscription that asks for a QoS and nothing else. */
export function plainOptions(qos: QoS): SubscriptionOptions {
  return PLAIN[qos]
}

const PLAIN: Readonly<Record<QoS, SubscriptionOptions>> = { 0: plain(0), 1: plain(1), 2: plain(2) }

function plain(qos: QoS): SubscriptionOptions {
  return { qos, isNoLocal: false, isRetainAsPublished: false, identifier: 0 }
}
