import { PropertyId, PropertyWriter } from './properties.ts'
import type { Message } from './message.ts'

/** The properties of MQTT 5 that an application sets on a message and every receiver gets [MQTT5 §3.3.2.3]. */
export interface MessageProperties {
  /** The payload is UTF-8 text. */
  readonly isText?: boolean
  /** Seconds from now for which it is worth delivering. */
  readonly messageExpirySeconds?: number
  readonly contentType?: string
  /** The topic for a reply. */
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  /** In the order in which they are sent; a name may stand more than once. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[]
}

/** The bytes of all properties but the expiry, as `Message.create` takes them: no length before them, none at all for none. */
export function encodeMessageProperties(properties: MessageProperties): Buffer {
  const { isText, contentType, responseTopic, correlationData, userProperties = [] } = properties
  const writer = new PropertyWriter()
  if (isText !== undefined) writer.byte(PropertyId.PAYLOAD_FORMAT_INDICATOR, isText ? 1 : 0)
  if (contentType !== undefined) writer.string(PropertyId.CONTENT_TYPE, contentType)
  if (responseTopic !== undefined) writer.string(PropertyId.RESPONSE_TOPIC, responseTopic)
  if (correlationData !== undefined) writer.binary(PropertyId.CORRELATION_DATA, correlationData)
  for (const [name, value] of userProperties) writer.pair(PropertyId.USER_PROPERTY, name, value)
  return writer.join()
}

/**
 * The properties of a message, copied out of it. `nowMs` is the hub's clock, by which what is left of the expiry is counted
 * [MQTT5-3.3.2-6].
 */
export function messageProperties(message: Message, nowMs: number): MessageProperties {
  const { bytes, propertiesStart, payloadStart, expiresAtMs, isExpiryForwarded } = message
  const userProperties: [string, string][] = []
  const properties: { -readonly [K in keyof MessageProperties]: MessageProperties[K] } = {}
  for (let at = propertiesStart; at < payloadStart;) {
    const id = bytes[at]
    if (id === PropertyId.PAYLOAD_FORMAT_INDICATOR) {
      properties.isText = bytes[at + 1] === 1
      at += 2
      continue
    }
    const first = field(bytes, at + 1)
    at += 3 + first.length
    if (id === PropertyId.CONTENT_TYPE) properties.contentType = first.toString()
    else if (id === PropertyId.RESPONSE_TOPIC) properties.responseTopic = first.toString()
    else if (id === PropertyId.CORRELATION_DATA) properties.correlationData = Buffer.from(first)
    else if (id === PropertyId.USER_PROPERTY) {
      const value = field(bytes, at)
      at += 2 + value.length
      userProperties.push([first.toString(), value.toString()])
    } else {
      throw new RangeError(`a message holds the property ${id}, which is not for its receivers`)
    }
  }
  if (userProperties.length > 0) properties.userProperties = userProperties
  if (isExpiryForwarded) properties.messageExpirySeconds = Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000))
  return properties
}

/** The two-byte length at `at` and what it counts. */
function field(bytes: Buffer, at: number): Buffer {
  const length = bytes.readUInt16BE(at)
  return bytes.subarray(at + 2, at + 2 + length)
}
