import { NAMES, type PacketName } from './packets.ts'

interface Received<T extends PacketName> {
  readonly type: T
  /** Low four bits of the first byte. */
  readonly flags: number
  readonly body: Buffer
}

export interface ReceivedConnack extends Received<'CONNACK'> {
  readonly isSessionPresent: boolean
  readonly returnCode: number
}

export interface ReceivedPublish extends Received<'PUBLISH'> {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetId: number
}

export interface ReceivedSuback extends Received<'SUBACK'> {
  readonly packetId: number
  readonly codes: readonly number[]
}

type Acknowledgement = 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP' | 'UNSUBACK'

export interface ReceivedAcknowledgement<T extends Acknowledgement> extends Received<T> {
  readonly packetId: number
}

type Plain = 'CONNECT' | 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'PINGREQ' | 'PINGRESP' | 'DISCONNECT' | 'AUTH'

/** What each packet is parsed to. */
export type ReceivedByName = { readonly [T in Plain]: Received<T> } & {
  readonly [T in Acknowledgement]: ReceivedAcknowledgement<T>
} & { readonly CONNACK: ReceivedConnack; readonly PUBLISH: ReceivedPublish; readonly SUBACK: ReceivedSuback }

export type ReceivedPacket = ReceivedByName[PacketName]

/** Cuts a stream into packets of MQTT 3.1 and 3.1.1, whatever its chunks. */
export class PacketCutter {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): ReceivedPacket[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const packets: ReceivedPacket[] = []
    for (;;) {
      const header = readHeader(this.#rest)
      if (header === undefined || this.#rest.length < header.end) return packets
      packets.push(parse(this.#rest[0] ?? 0, this.#rest.subarray(header.bodyStart, header.end)))
      this.#rest = this.#rest.subarray(header.end)
    }
  }
}

function readHeader(bytes: Buffer): { bodyStart: number; end: number } | undefined {
  let length = 0
  for (let at = 1; at < 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) return undefined
    length += (byte & 127) * 128 ** (at - 1)
    if (byte < 128) return { bodyStart: at + 1, end: at + 1 + length }
  }
  throw new Error(`the hub sent a remaining length of more than four bytes: ${bytes.subarray(0, 8).toString('hex')}`)
}

function parse(first: number, body: Buffer): ReceivedPacket {
  const type = NAMES[first >> 4]
  const flags = first & 15
  switch (type) {
    case undefined:
      throw new Error(`the hub sent a packet of the reserved type 0, body ${body.toString('hex')}`)
    case 'CONNACK':
      return { type, flags, body, isSessionPresent: body[0] === 1, returnCode: body.readUInt8(1) }
    case 'PUBLISH':
      return parsePublish(flags, body)
    case 'SUBACK':
      return { type, flags, body, packetId: body.readUInt16BE(0), codes: [...body.subarray(2)] }
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
    case 'UNSUBACK':
      return { type, flags, body, packetId: body.readUInt16BE(0) }
    default:
      return { type, flags, body }
  }
}

function parsePublish(flags: number, body: Buffer): ReceivedPublish {
  const qos = (flags >> 1) & 3
  const topicEnd = 2 + body.readUInt16BE(0)
  return {
    type: 'PUBLISH',
    flags,
    body,
    topic: body.subarray(2, topicEnd).toString(),
    payload: body.subarray(qos > 0 ? topicEnd + 2 : topicEnd),
    qos,
    retain: (flags & 1) !== 0,
    dup: (flags & 8) !== 0,
    packetId: qos > 0 ? body.readUInt16BE(topicEnd) : 0,
  }
}
