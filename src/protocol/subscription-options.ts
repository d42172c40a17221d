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

/** Those of every subscription of a bridge that cannot ask for them: what it passes on must not come back, and RETAIN must stay. */
export function bridgeOptions(qos: QoS): SubscriptionOptions {
  return BRIDGE[qos]
}

const PLAIN: Readonly<Record<QoS, SubscriptionOptions>> = {
  0: options(0, false),
  1: options(1, false),
  2: options(2, false),
}
const BRIDGE: Readonly<Record<QoS, SubscriptionOptions>> = {
  0: options(0, true),
  1: options(1, true),
  2: options(2, true),
}

function options(qos: QoS, isBridge: boolean): SubscriptionOptions {
  return { qos, isNoLocal: isBridge, isRetainAsPublished: isBridge, identifier: 0 }
}
