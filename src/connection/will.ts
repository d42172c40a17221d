import type { ConnectPacket } from '../protocol/connect-packet.ts'
import { Message } from '../protocol/message.ts'
import type { WillReport } from '../session/client-report.ts'
import type { StoredWill } from '../store/store.ts'

/** The will of a CONNECT as it is stored and published. */
export function willOf({ will }: ConnectPacket, clientId: string): StoredWill | undefined {
  if (will === undefined) return undefined
  const { topic, payload, qos, retain, properties } = will
  const message = Message.create(topic, payload, qos, retain, clientId, properties?.forwarded)
  if (properties?.expirySeconds !== undefined) {
    message.expiresAtMs = properties.expirySeconds * 1000
    message.isExpiryForwarded = true
  }
  return { clientId, message, delaySeconds: properties?.delaySeconds ?? 0 }
}

/** The will as it is told to who asks about the client. */
export function reportWill(will: StoredWill | undefined): WillReport | undefined {
  if (will === undefined) return undefined
  const { topic, payload, retain } = will.message
  return { topic, payload, isRetained: retain }
}
