import { quote } from '../base/quote.ts'
import { FieldReader, MalformedPacketError } from './field-reader.ts'
import type { QoS } from './packet-types.ts'
import { type Properties, PropertyId, readProperties } from './properties.ts'
import { ReasonCode } from './reason-codes.ts'
import { readWillProperties, type WillProperties } from './will-properties.ts'

/** What a CONNECT asks for, as far as the hub needs it before Aedes sees the packet. */
export interface ConnectPacket {
  /** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5; any other level is for the connection to refuse. */
  readonly protocolLevel: number
  /** A bridge of MQTT 3.1 or 3.1.1, as Mosquitto marks its own. One of MQTT 5 asks for what it wants with each subscription. */
  readonly isBridge: boolean
  readonly clientId: string
  /** CleanSession of 3.x, Clean Start of 5. */
  readonly isClean: boolean
  readonly keepAliveSeconds: number
  readonly will: Will | undefined
  readonly userName: string | undefined
  readonly password: Buffer | undefined
  /** MQTT 5 only. */
  readonly properties: ConnectProperties | undefined
}

/** What a client of MQTT 5 says of itself; what it leaves out has the standard's default [MQTT5 §3.1.2.11]. */
export interface ConnectProperties {
  /** Infinity for 0xFFFFFFFF. */
  readonly sessionExpirySeconds: number
  readonly receiveMaximum: number
  /** Infinity when it names none. */
  readonly maxPacketBytes: number
  readonly topicAliasMaximum: number
  readonly wantsResponseInformation: boolean
  /** Reason strings may go with every packet, not only with CONNACK and DISCONNECT. */
  readonly wantsProblemInformation: boolean
  readonly authenticationMethod: string | undefined
  readonly authenticationData: Buffer | undefined
}

/** The message to be published when a client goes without a DISCONNECT [MQTT-3.1.2-8]. */
export interface Will {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  /** MQTT 5 only. */
  readonly properties: WillProperties | undefined
}

/** A CONNECT of another protocol level than 3, 4 or 5: to be refused with the right code, its rest is not read. */
export interface ForeignConnect {
  readonly protocolLevel: number
  readonly clientId?: never
}

const PROTOCOL_NAMES: Readonly<Record<string, readonly number[]>> = { MQIsdp: [3], MQTT: [4, 5] }
// A bridge of Mosquitto marks itself with the high bit of the protocol level, in 3.1 and 3.1.1.
const BRIDGE_BIT = 0x80

const Flag = { RESERVED: 0x01, CLEAN: 0x02, WILL: 0x04, WILL_RETAIN: 0x20, PASSWORD: 0x40, USER_NAME: 0x80 } as const

const CONNECT_PROPERTIES: readonly number[] = [
  PropertyId.SESSION_EXPIRY_INTERVAL,
  PropertyId.RECEIVE_MAXIMUM,
  PropertyId.MAXIMUM_PACKET_SIZE,
  PropertyId.TOPIC_ALIAS_MAXIMUM,
  PropertyId.REQUEST_RESPONSE_INFORMATION,
  PropertyId.REQUEST_PROBLEM_INFORMATION,
  PropertyId.USER_PROPERTY,
  PropertyId.AUTHENTICATION_METHOD,
  PropertyId.AUTHENTICATION_DATA,
]
const NEVER_EXPIRES = 0xffff_ffff
const MAX_RECEIVE_MAXIMUM = 65_535

/**
 * Reads a CONNECT from the start of its variable header.
 * @throws MalformedPacketError when a rule of MQTT-3.1.2 or 3.1.3 is broken and the connection must close
 */
export function readConnect(bytes: Buffer, bodyStart: number, end: number): ConnectPacket | ForeignConnect {
  const fields = new FieldReader(bytes, bodyStart, end)
  const protocolName = fields.string('protocol name')
  const levels = PROTOCOL_NAMES[protocolName]
  // [MQTT-3.1.2-1]
  if (levels === undefined) throw new MalformedPacketError(`protocol name is ${quote(protocolName)}, not "MQTT"`)
  const marked = fields.byte('protocol level')
  const isBridge = (marked & BRIDGE_BIT) !== 0 && marked !== (BRIDGE_BIT | 5)
  const protocolLevel = isBridge ? marked & ~BRIDGE_BIT : marked
  // [MQTT-3.1.2-2]
  if (!levels.includes(protocolLevel)) return { protocolLevel: protocolName === 'MQTT' ? protocolLevel : 0 }

  const flags = fields.byte('connect flags')
  const keepAliveSeconds = fields.uint16('keep alive')
  checkFlags(flags, protocolLevel)
  const isVersion5 = protocolLevel === 5
  const properties = isVersion5 ? connectProperties(readProperties(fields, CONNECT_PROPERTIES, 'CONNECT')) : undefined

  const clientId = fields.string('client identifier')
  let will: Will | undefined
  if ((flags & Flag.WILL) !== 0) {
    const willProperties = isVersion5 ? readWillProperties(fields) : undefined
    const topic = fields.string('will topic')
    const payload = Buffer.from(fields.binary('will message'))
    willProperties?.checkPayload(payload)
    const retain = (flags & Flag.WILL_RETAIN) !== 0
    will = { topic, payload, qos: willQoS(flags), retain, properties: willProperties }
  }
  const userName = (flags & Flag.USER_NAME) !== 0 ? fields.string('user name') : undefined
  const password = (flags & Flag.PASSWORD) !== 0 ? Buffer.from(fields.binary('password')) : undefined
  fields.finish('CONNECT')
  const isClean = (flags & Flag.CLEAN) !== 0
  return { protocolLevel, isBridge, clientId, isClean, keepAliveSeconds, will, userName, password, properties }
}

/** Tells whether a CONNECT, whole or broken, is one of MQTT 5: its sender reads a CONNACK of that version. */
export function isConnect5(bytes: Buffer, bodyStart: number, end: number): boolean {
  return end - bodyStart > 6 && bytes.toString('latin1', bodyStart + 2, bodyStart + 7) === 'MQTT\u0005'
}

/** Reads a Session Expiry Interval [MQTT5 §3.1.2.11.2]. */
export function sessionExpiry(properties: Properties): number | undefined {
  const seconds = properties.number(PropertyId.SESSION_EXPIRY_INTERVAL)
  return seconds === NEVER_EXPIRES ? Infinity : seconds
}

function connectProperties(properties: Properties): ConnectProperties {
  const authenticationMethod = properties.string(PropertyId.AUTHENTICATION_METHOD)
  const authenticationData = properties.binary(PropertyId.AUTHENTICATION_DATA)
  if (authenticationMethod === undefined && authenticationData !== undefined) {
    const fault = 'Authentication Data is given without an Authentication Method'
    throw new MalformedPacketError(fault, ReasonCode.PROTOCOL_ERROR)
  }
  return {
    sessionExpirySeconds: sessionExpiry(properties) ?? 0,
    receiveMaximum: properties.number(PropertyId.RECEIVE_MAXIMUM) ?? MAX_RECEIVE_MAXIMUM,
    maxPacketBytes: properties.number(PropertyId.MAXIMUM_PACKET_SIZE) ?? Infinity,
    topicAliasMaximum: properties.number(PropertyId.TOPIC_ALIAS_MAXIMUM) ?? 0,
    wantsResponseInformation: properties.number(PropertyId.REQUEST_RESPONSE_INFORMATION) === 1,
    wantsProblemInformation: properties.number(PropertyId.REQUEST_PROBLEM_INFORMATION) !== 0,
    authenticationMethod,
    authenticationData,
  }
}

function checkFlags(flags: number, protocolLevel: number): void {
  // [MQTT-3.1.2-3]
  if ((flags & Flag.RESERVED) !== 0) throw new MalformedPacketError('the reserved connect flag is set')
  if ((flags & Flag.WILL) === 0) {
    // [MQTT-3.1.2-13] [MQTT-3.1.2-15]
    if (((flags >> 3) & 3) !== 0) throw new MalformedPacketError('will QoS is set without a will')
    if ((flags & Flag.WILL_RETAIN) !== 0) throw new MalformedPacketError('will retain is set without a will')
  }
  // [MQTT-3.1.2-22]; MQTT 5 allows it.
  if (protocolLevel < 5 && (flags & Flag.USER_NAME) === 0 && (flags & Flag.PASSWORD) !== 0) {
    throw new MalformedPacketError('a password is given without a user name')
  }
}

function willQoS(flags: number): QoS {
  const qos = (flags >> 3) & 3
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new MalformedPacketError('will QoS is 3') // [MQTT-3.1.2-14]
}
