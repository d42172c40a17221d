import { FieldReader, MalformedPacketError } from './field-reader.ts'
import type { QoS } from './packet-types.ts'
import { PropertyId, readProperties } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'
import { isSharedFilter } from './shared-filter.ts'
import { bridgeOptions, plainOptions, type SubscriptionOptions } from './subscription-options.ts'

/** One topic filter of a SUBSCRIBE with what it asks for. */
export interface FilterRequest {
  readonly filter: string
  readonly options: SubscriptionOptions
  /** When retained messages are sent: 0 always, 1 if the subscription is new, 2 never [MQTT5 §3.8.3.1]. */
  readonly retainHandling: 0 | 1 | 2
}

const SUBSCRIBE_PROPERTIES: readonly number[] = [PropertyId.SUBSCRIPTION_IDENTIFIER, PropertyId.USER_PROPERTY]
const UNSUBSCRIBE_PROPERTIES: readonly number[] = [PropertyId.USER_PROPERTY]

/** A packet with filters, which is read one filter at a time, since it may have thousands. */
export interface FilterPacket<T> {
  readonly packetId: number
  /** The next filter; undefined behind the last. @throws MalformedPacketError */
  readonly next: () => T | undefined
}

/**
 * Reads a SUBSCRIBE from the start of its variable header, up to its filters. `isBridge`: it is a bridge's of 3.1 or 3.1.1.
 * @throws MalformedPacketError
 */
export function readSubscribe(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  isVersion5: boolean,
  isBridge = false,
): FilterPacket<FilterRequest> {
  const fields = new FieldReader(bytes, bodyStart, end)
  const packetId = readPacketId(fields)
  const properties = isVersion5 ? readProperties(fields, SUBSCRIBE_PROPERTIES, 'SUBSCRIBE') : undefined
  const identifier = properties?.number(PropertyId.SUBSCRIPTION_IDENTIFIER) ?? 0
  // [MQTT-3.8.3-3]
  if (fields.isAtEnd) throw new MalformedPacketError('SUBSCRIBE has no topic filter', ReasonCode.PROTOCOL_ERROR)
  const next = (): FilterRequest | undefined => {
    if (fields.isAtEnd) return undefined
    const filter = fields.string('topic filter')
    const byte = fields.byte('subscription options')
    return isVersion5 ? request5(filter, byte, identifier) : request3(filter, byte, isBridge)
  }
  return { packetId, next }
}

/** Reads an UNSUBSCRIBE from the start of its variable header, up to its filters. @throws MalformedPacketError */
export function readUnsubscribe(
  bytes: Buffer,
  bodyStart: number,
  end: number,
  isVersion5: boolean,
): FilterPacket<string> {
  const fields = new FieldReader(bytes, bodyStart, end)
  const packetId = readPacketId(fields)
  if (isVersion5) readProperties(fields, UNSUBSCRIBE_PROPERTIES, 'UNSUBSCRIBE')
  // [MQTT-3.10.3-2]
  if (fields.isAtEnd) throw new MalformedPacketError('UNSUBSCRIBE has no topic filter', ReasonCode.PROTOCOL_ERROR)
  return { packetId, next: () => (fields.isAtEnd ? undefined : fields.string('topic filter')) }
}

function request3(filter: string, byte: number, isBridge: boolean): FilterRequest {
  const qos = requestedQoS(byte) // [MQTT-3.8.3-4]
  // A shared subscription knows no No Local [MQTT5-3.8.3-4].
  const options = isBridge && !isSharedFilter(filter) ? bridgeOptions(qos) : plainOptions(qos)
  return { filter, options, retainHandling: 0 }
}

function request5(filter: string, byte: number, identifier: number): FilterRequest {
  // [MQTT5-3.8.3-5]
  if ((byte & 0xc0) !== 0) throw new MalformedPacketError('the reserved bits of the subscription options are set')
  const retainHandling = (byte >> 4) & 3
  if (retainHandling !== 0 && retainHandling !== 1 && retainHandling !== 2) {
    throw new MalformedPacketError('Retain Handling is 3', ReasonCode.PROTOCOL_ERROR)
  }
  const qos = requestedQoS(byte & 3)
  const options = { qos, isNoLocal: (byte & 4) !== 0, isRetainAsPublished: (byte & 8) !== 0, identifier }
  return { filter, options, retainHandling }
}

function requestedQoS(qos: number): QoS {
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new MalformedPacketError(`requested QoS byte is ${qos}`)
}

function readPacketId(fields: FieldReader): number {
  const packetId = fields.uint16('packet identifier')
  // [MQTT-2.3.1-1]
  if (packetId === 0) throw new MalformedPacketError('packet identifier is 0')
  return packetId
}
