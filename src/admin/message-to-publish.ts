import type { PublishOptions } from './messages.ts'
import { types } from 'node:util'
import { argumentError, checkFlag, checkOptions, checkQos } from '../base/arguments.ts'
import { HubbubError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import { Message } from '../protocol/message.ts'
import { encodeMessageProperties, type MessageProperties } from '../protocol/message-properties.ts'
import { type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import { isReservedTopic, RESERVED_REASON } from '../topics/reserved-topics.ts'

/** Of a packet behind its first byte and this number itself [MQTT-3.1.1 §2.2.3]. */
const MAX_REMAINING_BYTES = 268_435_455
/** Length of the topic, packet identifier, length of the properties. */
const MOST_HEADER_BYTES = 2 + 2 + 4
const MAX_FIELD_BYTES = 65_535
const MAX_SECONDS = 4_294_967_295
const OPTIONS = ['qos', 'retain', 'properties']

type Check = (value: unknown) => string | undefined

const PROPERTIES: Readonly<Record<keyof MessageProperties, Check>> = {
  isText: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  messageExpirySeconds: (value) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_SECONDS
      ? undefined
      : `a whole number from 0 to ${MAX_SECONDS}`,
  contentType: textFault,
  responseTopic: textFault,
  correlationData: (value) =>
    types.isUint8Array(value) && value.length <= MAX_FIELD_BYTES ? undefined : `at most ${MAX_FIELD_BYTES} bytes`,
  userProperties: (value) =>
    Array.isArray(value) && value.every(isPair) ? undefined : 'a list of pairs of a name and a value, both text',
}

/**
 * The message that a program means, kept. Its expiry counts from `nowMs`.
 * @throws HubbubError `ARGUMENT_INVALID` for what no type allows or no packet can hold, `TOPIC_NAME_INVALID`, `TOPIC_RESERVED`
 */
export function messageToPublish(
  topic: string,
  payload: string | Uint8Array,
  options: PublishOptions,
  limits: TopicLimits & { readonly maxMessageExpirySeconds: number },
  nowMs: number,
): Message {
  checkTopic(topic, limits)
  const cannot = `Cannot publish to ${JSON.stringify(topic)}`
  checkOptions(options, OPTIONS, cannot)
  const { qos = 0, retain = false, properties = {} } = options
  checkQos(qos, cannot)
  checkFlag('retain', retain, cannot)
  checkProperties(properties, limits, cannot)
  const bytes = bytesOf(payload, cannot)
  const encoded = encodeMessageProperties(properties)
  if (bytes.length + encoded.length + Buffer.byteLength(topic) + MOST_HEADER_BYTES > MAX_REMAINING_BYTES) {
    throw argumentError(
      `${cannot}: it must fit into a packet of ${MAX_REMAINING_BYTES} bytes, its payload has ${bytes.length}`,
    )
  }
  const message = Message.create(topic, bytes, qos, retain, undefined, encoded)
  const { messageExpirySeconds } = properties
  const seconds = Math.min(messageExpirySeconds ?? Infinity, qos === 0 ? Infinity : limits.maxMessageExpirySeconds)
  if (seconds !== Infinity) message.expiresAtMs = nowMs + seconds * 1000
  message.isExpiryForwarded = messageExpirySeconds !== undefined
  return message
}

function checkTopic(topic: unknown, limits: TopicLimits): void {
  if (typeof topic !== 'string')
    throw argumentError(`Cannot publish: the topic must be a string, it is ${quote(topic)}`)
  const fault = topicNameFault(topic, limits)
  if (fault !== undefined)
    throw new HubbubError('TOPIC_NAME_INVALID', `Cannot publish to ${JSON.stringify(topic)}: ${fault}`)
  if (isReservedTopic(topic))
    throw new HubbubError('TOPIC_RESERVED', `Cannot publish to ${JSON.stringify(topic)}: ${RESERVED_REASON}`)
}

function checkProperties(properties: unknown, limits: TopicLimits, cannot: string): void {
  if (typeof properties !== 'object' || properties === null) {
    throw argumentError(`${cannot}: properties must be an object, they are ${quote(properties)}`)
  }
  for (const [name, value] of Object.entries(properties)) {
    if (!isProperty(name)) throw argumentError(`${cannot}: there is no property ${JSON.stringify(name)}`)
    const wanted = value === undefined ? undefined : PROPERTIES[name](value)
    if (wanted !== undefined)
      throw argumentError(`${cannot}: the property ${name} must be ${wanted}, it is ${quote(value)}`)
    const fault = name === 'responseTopic' && typeof value === 'string' ? topicNameFault(value, limits) : undefined
    if (fault !== undefined) throw argumentError(`${cannot}: as the property responseTopic, ${quote(value)}: ${fault}`)
  }
}

function isProperty(name: string): name is keyof MessageProperties {
  return Object.hasOwn(PROPERTIES, name)
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every((text) => textFault(text) === undefined)
}

/** [MQTT5-1.5.4-1], [MQTT5-1.5.4-2] */
function textFault(value: unknown): string | undefined {
  const isText =
    typeof value === 'string' &&
    !value.includes('\0') &&
    !/\p{Surrogate}/u.test(value) &&
    Buffer.byteLength(value) <= MAX_FIELD_BYTES
  return isText ? undefined : `text of at most ${MAX_FIELD_BYTES} bytes without U+0000`
}

function bytesOf(payload: unknown, cannot: string): Buffer {
  if (typeof payload === 'string') return Buffer.from(payload)
  // Not `instanceof`: a test runner may have its own Uint8Array.
  if (types.isUint8Array(payload)) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  throw argumentError(`${cannot}: the payload must be a string or a Uint8Array, it is ${quote(payload)}`)
}
