import type { PacketName } from './packets.ts'
import type { ReceivedPacket } from './received-packet.ts'

/** Checks what a hub sends to a client of MQTT 5 against the tables of the standard. */

/** Properties that a server may send, by packet [MQTT5 §2.2.2.2]. */
const SERVER_PROPERTIES: Readonly<Partial<Record<PacketName, readonly number[]>>> = {
  CONNACK: [17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 38, 39, 40, 41, 42],
  PUBLISH: [1, 2, 3, 8, 9, 11, 35, 38],
  PUBACK: [31, 38],
  PUBREC: [31, 38],
  PUBREL: [31, 38],
  PUBCOMP: [31, 38],
  SUBACK: [31, 38],
  UNSUBACK: [31, 38],
  DISCONNECT: [28, 31, 38],
  AUTH: [21, 22, 31, 38],
}

function codesOf(hex: string): readonly number[] {
  return [...Buffer.from(hex.replaceAll(' ', ''), 'hex')]
}

const PUBLISH_CODES = codesOf('00 10 80 83 87 90 91 97 99')

/** Reason codes that a server may send, by packet; DISCONNECT also 0x8C, which §2.4 has and §3.14.2.1 has not. */
const SERVER_CODES: Readonly<Partial<Record<PacketName, readonly number[]>>> = {
  CONNACK: codesOf('00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f'),
  PUBACK: PUBLISH_CODES,
  PUBREC: PUBLISH_CODES,
  PUBREL: codesOf('00 92'),
  PUBCOMP: codesOf('00 92'),
  SUBACK: codesOf('00 01 02 80 83 87 8f 91 97 9e a1 a2'),
  UNSUBACK: codesOf('00 11 80 83 87 8f 91'),
  DISCONNECT: codesOf('00 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2'),
  AUTH: codesOf('00 18'),
}

/** Sizes of the properties that are numbers, by identifier. */
const BYTE_COUNTS: ReadonlyMap<number, number> = new Map([
  ...[1, 23, 25, 36, 37, 40, 41, 42].map((id) => [id, 1] as const),
  ...[19, 33, 34, 35].map((id) => [id, 2] as const),
  ...[2, 17, 24, 39].map((id) => [id, 4] as const),
])
const VARINT = 11
const USER_PROPERTY = 38
const REASON_STRING = 31
const TOPIC_ALIAS = 35

export interface ReadProperty {
  readonly id: number
  /** The bytes behind the identifier. */
  readonly value: Buffer
}

export interface Answer {
  readonly type: PacketName
  /** Empty for packets without; of PUBLISH there are none. */
  readonly codes: readonly number[]
  readonly properties: readonly ReadProperty[]
  /** 0 where there is none. */
  readonly packetId: number
  /** Of PUBLISH alone. */
  readonly topic: string
  readonly payload: Buffer
}

/** Reads one packet. @throws Error when the standard does not let a server send it */
export function readAnswer({ type, flags, body }: ReceivedPacket): Answer {
  const cursor = new Cursor(type, body)
  const rest = { type, packetId: 0, topic: '', payload: Buffer.alloc(0), codes: [], properties: [] }
  if (type !== 'PUBLISH') cursor.expect(flags === (type === 'PUBREL' ? 2 : 0), `has flags ${flags}`)
  let answer: Answer
  switch (type) {
    case 'CONNACK':
      cursor.expect(cursor.take(1).readUInt8() <= 1, 'has reserved flags')
      answer = { ...rest, codes: [cursor.take(1).readUInt8()], properties: cursor.properties() }
      break
    case 'PUBLISH':
      answer = { ...rest, ...cursor.publish((flags >> 1) & 3), codes: [] }
      break
    case 'SUBACK':
    case 'UNSUBACK':
      answer = { ...rest, packetId: cursor.packetId(), properties: cursor.properties(), codes: [...cursor.remaining()] }
      cursor.expect(answer.codes.length > 0, 'has no reason code')
      break
    case 'PUBACK':
    case 'PUBREC':
    case 'PUBREL':
    case 'PUBCOMP':
      answer = { ...rest, packetId: cursor.packetId(), ...cursor.shortenable() }
      break
    case 'DISCONNECT':
    case 'AUTH':
      answer = { ...rest, ...cursor.shortenable() }
      break
    default:
      cursor.expect(type === 'PINGRESP', 'is for clients to send')
      answer = rest
  }
  cursor.expect(cursor.isAtEnd, 'has bytes behind its end')
  const allowed = SERVER_CODES[type] ?? []
  for (const code of answer.codes) cursor.expect(allowed.includes(code), `has reason code 0x${code.toString(16)}`)
  return answer
}

/** What the client said of itself in its CONNECT. */
export interface ClientLimits {
  readonly hasProblemInformation?: boolean
  readonly maximumPacketBytes?: number
  readonly topicAliasMaximum?: number
}

/**
 * Reads all that a connection got. @throws Error when a packet or their order breaks the standard: first CONNACK, and nothing
 * behind one that refuses or behind DISCONNECT.
 */
export function readAnswers(packets: readonly ReceivedPacket[], limits: ClientLimits = {}): Answer[] {
  const { hasProblemInformation = true, maximumPacketBytes = Infinity, topicAliasMaximum = 0 } = limits
  const answers = packets.map((one) => readAnswer(one))
  for (const [i, { type, codes, properties }] of answers.entries()) {
    const where = `packet ${i + 1} of [${answers.map((one) => one.type).join(', ')}]`
    const cursor = new Cursor(type, Buffer.from(where))
    cursor.expect((i === 0) === (type === 'CONNACK'), 'must be first, and nothing else')
    const isLast = type === 'DISCONNECT' || (type === 'CONNACK' && codes.some((code) => code >= 0x80))
    cursor.expect(!isLast || i === answers.length - 1, 'must be last')
    // [MQTT5-3.1.2-24]
    const bytes = packets[i]?.body.length ?? 0
    cursor.expect(bytes + (bytes < 128 ? 2 : 3) <= maximumPacketBytes, 'is larger than the client takes')
    // [MQTT5-3.1.2-29]
    const mayExplain = hasProblemInformation || ['PUBLISH', 'CONNACK', 'DISCONNECT'].includes(type)
    const isExplained = properties.some(({ id }) => id === REASON_STRING || id === USER_PROPERTY)
    cursor.expect(mayExplain || !isExplained, 'has a reason string that the client does not want')
    // [MQTT5-3.3.2-8], [MQTT5-3.1.2-26]
    const alias = properties.find(({ id }) => id === TOPIC_ALIAS)?.value.readUInt16BE()
    const isInBounds = alias === undefined || (alias > 0 && alias <= topicAliasMaximum)
    cursor.expect(isInBounds, `has Topic Alias ${alias}`)
  }
  return answers
}

/** The reason code that the hub ended the connection with, or undefined when it did not say why. */
export function endCode(answers: readonly Answer[]): number | undefined {
  const last = answers.at(-1)
  const code = last?.codes[0] ?? 0
  return last?.type === 'DISCONNECT' || (last?.type === 'CONNACK' && code >= 0x80) ? code : undefined
}

class Cursor {
  readonly #type: PacketName
  readonly #body: Buffer
  #at = 0

  constructor(type: PacketName, body: Buffer) {
    this.#type = type
    this.#body = body
  }

  get isAtEnd(): boolean {
    return this.#at === this.#body.length
  }

  expect(isSo: boolean, fault: string): void {
    if (!isSo)
      throw new Error(`the hub sent ${this.#type} that ${fault}: ${this.#body.subarray(0, 200).toString('hex')}`)
  }

  take(count: number): Buffer {
    this.expect(this.#at + count <= this.#body.length, 'ends too early')
    const bytes = this.#body.subarray(this.#at, this.#at + count)
    this.#at += count
    return bytes
  }

  remaining(): Buffer {
    return this.take(this.#body.length - this.#at)
  }

  packetId(): number {
    const id = this.take(2).readUInt16BE()
    this.expect(id > 0, 'has packet identifier 0')
    return id
  }

  /** Reason code and properties, which may be left out from the end. */
  shortenable(): { codes: readonly number[]; properties: readonly ReadProperty[] } {
    if (this.isAtEnd) return { codes: [0], properties: [] }
    const codes = [this.take(1).readUInt8()]
    return { codes, properties: this.isAtEnd ? [] : this.properties() }
  }

  publish(qos: number): Pick<Answer, 'topic' | 'packetId' | 'properties' | 'payload'> {
    this.expect(qos < 3, 'has QoS 3')
    const topic = this.#text()
    const packetId = qos > 0 ? this.packetId() : 0
    const properties = this.properties()
    this.expect(topic.length > 0 || properties.some(({ id }) => id === TOPIC_ALIAS), 'has neither topic nor alias')
    return { topic, packetId, properties, payload: this.remaining() }
  }

  properties(): ReadProperty[] {
    const allowed = SERVER_PROPERTIES[this.#type] ?? []
    const length = this.#varint()
    const end = this.#at + length
    const found: ReadProperty[] = []
    while (this.#at < end) {
      const id = this.#varint()
      this.expect(allowed.includes(id), `has property ${id}`)
      const isRepeatable = id === USER_PROPERTY || (id === VARINT && this.#type === 'PUBLISH')
      this.expect(isRepeatable || found.every((one) => one.id !== id), `has property ${id} twice`)
      const start = this.#at
      this.#skipValue(id)
      found.push({ id, value: this.#body.subarray(start, this.#at) })
    }
    this.expect(this.#at === end, 'has a property length that does not fit')
    return found
  }

  #skipValue(id: number): void {
    const count = BYTE_COUNTS.get(id)
    if (count !== undefined) this.take(count)
    else if (id === VARINT) this.expect(this.#varint() > 0, 'has subscription identifier 0')
    else if (id === 9 || id === 22) this.take(this.take(2).readUInt16BE())
    else this.#text()
    if (id === USER_PROPERTY) this.#text()
  }

  #text(): string {
    const bytes = this.take(this.take(2).readUInt16BE())
    const text = bytes.toString()
    this.expect(Buffer.from(text).equals(bytes) && !text.includes('\0'), 'has a string that is not UTF-8')
    return text
  }

  #varint(): number {
    let value = 0
    for (let i = 0; i < 4; i++) {
      const byte = this.take(1).readUInt8()
      value += (byte & 127) * 128 ** i
      if (byte < 128) {
        this.expect(i === 0 || byte > 0, 'has a number longer than need be')
        return value
      }
    }
    this.expect(false, 'has a number of more than four bytes')
    return value
  }
}
