import type { MessageProperties } from '../protocol/message-properties.ts'
import type { QoS } from '../protocol/packet-types.ts'

/** What goes with a message that a program publishes. */
export interface PublishOptions {
  /** Default 0. */
  readonly qos?: QoS | undefined
  /** Kept for who subscribes later; default false. An empty payload deletes what was kept. */
  readonly retain?: boolean | undefined
  /** What MQTT 5 lets a publisher say of its message; default nothing. */
  readonly properties?: MessageProperties | undefined
}

/** What became of a message at the moment it was kept. */
export interface Published {
  /** Sessions, shared subscriptions and handlers in the program that it was for; not how many have got it yet. */
  readonly matched: number
}

/** A message as a subscriber without a network connection gets it. The payload is its own. */
export interface ReceivedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  /** It was retained before the subscription was made; with `isRetainAsPublished` also: it was published with RETAIN. */
  readonly retain: boolean
  /** What the publisher said of the message, in the words of MQTT 5. */
  readonly properties: MessageProperties
}

export type MessageHandler = (message: ReceivedMessage) => void

export interface SubscribeOptions {
  /** The highest QoS at which messages are handed over; default 2. */
  readonly qos?: QoS | undefined
  /** The messages that are retained already come too, in slices of the loop if there are many; default true. */
  readonly isRetainedWanted?: boolean | undefined
  /** `retain` also tells that a message was published with it, Retain As Published [MQTT5 §3.8.3.1]; default false. */
  readonly isRetainAsPublished?: boolean | undefined
}
