import { isUtf8 } from 'node:buffer'
import { type FieldReader, MalformedPacketError } from './field-reader.ts'
import { checkResponseTopic } from './publish-properties.ts'
import { PropertyId, PropertyWriter, readProperties } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'

/** The properties of a will [MQTT5 §3.1.3.2]. */
export interface WillProperties {
  readonly delaySeconds: number
  /** Undefined: the message does not expire. */
  readonly expirySeconds: number | undefined
  /** What goes on to the receivers, as a PUBLISH has it, without its length. */
  readonly forwarded: Buffer
  /** @throws MalformedPacketError when the payload is said to be text and is not */
  checkPayload(payload: Buffer): void
}

const WILL_PROPERTIES: readonly number[] = [
  PropertyId.WILL_DELAY_INTERVAL,
  PropertyId.PAYLOAD_FORMAT_INDICATOR,
  PropertyId.MESSAGE_EXPIRY_INTERVAL,
  PropertyId.CONTENT_TYPE,
  PropertyId.RESPONSE_TOPIC,
  PropertyId.CORRELATION_DATA,
  PropertyId.USER_PROPERTY,
]

/** @throws MalformedPacketError */
export function readWillProperties(fields: FieldReader): WillProperties {
  const properties = readProperties(fields, WILL_PROPERTIES, 'a will')
  const format = properties.number(PropertyId.PAYLOAD_FORMAT_INDICATOR)
  const contentType = properties.string(PropertyId.CONTENT_TYPE)
  const responseTopic = properties.string(PropertyId.RESPONSE_TOPIC)
  const correlation = properties.binary(PropertyId.CORRELATION_DATA)
  const writer = new PropertyWriter()
  if (format !== undefined) writer.byte(PropertyId.PAYLOAD_FORMAT_INDICATOR, format)
  if (contentType !== undefined) writer.string(PropertyId.CONTENT_TYPE, contentType)
  if (responseTopic !== undefined) {
    const bytes = Buffer.from(responseTopic)
    checkResponseTopic(bytes, 0, bytes.length)
    writer.string(PropertyId.RESPONSE_TOPIC, responseTopic)
  }
  if (correlation !== undefined) writer.binary(PropertyId.CORRELATION_DATA, correlation)
  for (const [name, value] of properties.userProperties) writer.pair(PropertyId.USER_PROPERTY, name, value)
  return {
    delaySeconds: properties.number(PropertyId.WILL_DELAY_INTERVAL) ?? 0,
    expirySeconds: properties.number(PropertyId.MESSAGE_EXPIRY_INTERVAL),
    forwarded: writer.join(),
    checkPayload(payload) {
      if (format !== 1 || isUtf8(payload)) return
      throw new MalformedPacketError('the will is said to be text and is not UTF-8', ReasonCode.PAYLOAD_FORMAT_INVALID)
    },
  }
}
