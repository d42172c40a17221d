import type { Outgoing } from './protocol.ts'

/** Bytes of a property besides its texts. */
const TEXT_PROPERTY = 3
const USER_PROPERTY = 5 + 'receipt'.length
const FORMAT_INDICATOR = 2

/** How long the PUBLISH of a message is, with the properties that the outbox gives it [MQTT5 §3.3]. */
export function publishBytes({ id, topic, payload, qos, wantsReply }: Outgoing, replyTopic: string): number {
  const reply = wantsReply ? 2 * TEXT_PROPERTY + bytesOf(replyTopic) + bytesOf(id) : 0
  const properties = FORMAT_INDICATOR + USER_PROPERTY + bytesOf(id) + reply
  const packetId = qos === 0 ? 0 : 2
  const body = 2 + bytesOf(topic) + packetId + lengthBytes(properties) + properties + bytesOf(payload)
  return 1 + lengthBytes(body) + body
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Bytes that a Variable Byte Integer takes [MQTT5 §1.5.5]. */
function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4
}
