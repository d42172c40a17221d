import type { Identity } from '../auth/identity.ts'
import { publishDenial } from '../auth/denial.ts'
import type { PublishVerdict } from '../auth/view.ts'
import { quote } from '../base/quote.ts'
import type { Ledger } from '../observe/ledger.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { ConnectReturnCode, ReasonCode } from '../protocol/reason-codes.ts'
import { isOverTopicLimit, type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import type { ConnectPacket, Will } from '../protocol/connect-packet.ts'
import { Message } from '../protocol/message.ts'
import type { WillReport } from '../session/client-report.ts'
import type { StoredWill } from '../store/store.ts'
import type { Refusal } from './refusal.ts'

/** The will of a CONNECT as it is stored and published. */
export function willOf(
  { will }: ConnectPacket,
  clientId: string,
  identity: Identity | undefined,
): StoredWill | undefined {
  if (will === undefined) return undefined
  const { topic, payload, qos, retain, properties } = will
  const message = Message.create(topic, payload, qos, retain, clientId, properties?.forwarded)
  if (properties?.expirySeconds !== undefined) {
    message.expiresAtMs = properties.expirySeconds * 1000
    message.isExpiryForwarded = true
  }
  const isCertified = identity?.via === 'certificate'
  return { clientId, user: identity?.user, isCertified, message, delaySeconds: properties?.delaySeconds ?? 0 }
}

/** The will as it is told to who asks about the client. */
export function reportWill(will: StoredWill | undefined): WillReport | undefined {
  if (will === undefined) return undefined
  const { topic, payload, retain } = will.message
  return { topic, payload, isRetained: retain }
}

/** @throws MalformedPacketError when its topic is not valid; counts it when that is a limit of the hub */
export function checkWill(
  { will }: ConnectPacket,
  { limits, ledger }: { readonly limits: TopicLimits; readonly ledger: Ledger },
): void {
  const fault = will === undefined ? undefined : topicNameFault(will.topic, limits)
  if (will === undefined || fault === undefined) return
  if (isOverTopicLimit(topicNameFault, will.topic, limits)) ledger.hit('topic')
  throw new MalformedPacketError(`will topic is not valid: ${fault}`, ReasonCode.TOPIC_NAME_INVALID)
}

/** What there is to say against a will for what its client may publish [MQTT5-3.1.2.5]. */
export function willFault({ topic, qos, retain }: Will, verdict: PublishVerdict): Refusal | undefined {
  const fault = publishDenial(verdict, qos, retain)
  if (fault === undefined) return undefined
  return {
    reason: `the client may not publish its will to ${quote(topic)}: ${fault}`,
    returnCode: ConnectReturnCode.NOT_AUTHORIZED,
    reasonCode: ReasonCode.NOT_AUTHORIZED,
  }
}
