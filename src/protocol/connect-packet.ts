import { FieldReader, MalformedPacketError } from './field-reader.ts'
import type { QoS } from './packet-types.ts'

/** What a CONNECT asks for, as far as the hub needs it before Aedes sees the packet. */
export interface ConnectPacket {
  /** 3 is MQTT 3.1, 4 is 3.1.1; any other level is for the connection to refuse. */
  readonly protocolLevel: number
  readonly clientId: string
  readonly isClean: boolean
  readonly keepAliveSeconds: number
  readonly will: Will | undefined
  readonly userName: string | undefined
  readonly password: Buffer | undefined
}

/** The message to be published when a client goes without a DISCONNECT [MQTT-3.1.2-8]. */
export interface Will {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
}

/** A CONNECT of another protocol level than 3 or 4: to be refused with the right code, its rest is not read. */
export interface ForeignConnect {
  readonly protocolLevel: number
  readonly clientId?: never
}

const PROTOCOL_NAMES: Readonly<Record<string, number>> = { MQIsdp: 3, MQTT: 4 }
// A bridge of Mosquitto marks itself with the high bit of the protocol level.
const BRIDGE_BIT = 0x80

const Flag = { RESERVED: 0x01, CLEAN: 0x02, WILL: 0x04, WILL_RETAIN: 0x20, PASSWORD: 0x40, USER_NAME: 0x80 } as const

/**
 * Reads a CONNECT from the start of its variable header.
 * @throws MalformedPacketError when a rule of MQTT-3.1.2 or 3.1.3 is broken and the connection must close without a word.
 */
export function readConnect(bytes: Buffer, bodyStart: number, end: number): ConnectPacket | ForeignConnect {
  const fields = new FieldReader(bytes, bodyStart, end)
  const protocolName = fields.string('protocol name')
  const nameLevel = PROTOCOL_NAMES[protocolName]
  // [MQTT-3.1.2-1]
  if (nameLevel === undefined)
    throw new MalformedPacketError(`protocol name is ${JSON.stringify(protocolName)}, not "MQTT"`)
  const protocolLevel = fields.byte('protocol level') & ~BRIDGE_BIT
  // [MQTT-3.1.2-2]
  if (protocolLevel !== nameLevel) return { protocolLevel: nameLevel === 4 ? protocolLevel : 0 }

  const flags = fields.byte('connect flags')
  const keepAliveSeconds = fields.uint16('keep alive')
  checkFlags(flags)

  const clientId = fields.string('client identifier')
  let will: Will | undefined
  if ((flags & Flag.WILL) !== 0) {
    const topic = fields.string('will topic')
    const payload = Buffer.from(fields.binary('will message'))
    will = { topic, payload, qos: willQoS(flags), retain: (flags & Flag.WILL_RETAIN) !== 0 }
  }
  const userName = (flags & Flag.USER_NAME) !== 0 ? fields.string('user name') : undefined
  const password = (flags & Flag.PASSWORD) !== 0 ? Buffer.from(fields.binary('password')) : undefined
  fields.finish('CONNECT')
  return { protocolLevel, clientId, isClean: (flags & Flag.CLEAN) !== 0, keepAliveSeconds, will, userName, password }
}

function checkFlags(flags: number): void {
  // [MQTT-3.1.2-3]
  if ((flags & Flag.RESERVED) !== 0) throw new MalformedPacketError('the reserved connect flag is set')
  if ((flags & Flag.WILL) === 0) {
    // [MQTT-3.1.2-13] [MQTT-3.1.2-15]
    if (((flags >> 3) & 3) !== 0) throw new MalformedPacketError('will QoS is set without a will')
    if ((flags & Flag.WILL_RETAIN) !== 0) throw new MalformedPacketError('will retain is set without a will')
  }
  // [MQTT-3.1.2-22]
  if ((flags & Flag.USER_NAME) === 0 && (flags & Flag.PASSWORD) !== 0) {
    throw new MalformedPacketError('a password is given without a user name')
  }
}

function willQoS(flags: number): QoS {
  const qos = (flags >> 3) & 3
  if (qos === 0 || qos === 1 || qos === 2) return qos
  throw new MalformedPacketError('will QoS is 3') // [MQTT-3.1.2-14]
}
