import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedPacketError } from '../../src/protocol/field-reader.ts'
import { Blocks } from '../../src/protocol/blocks.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { PropertyId, PropertyWriter } from '../../src/protocol/properties.ts'
import {
  encodePublish,
  NO_PROPERTIES,
  publishBytes,
  publishFirstByte,
  PublishPacket,
  writePublishHeader,
} from '../../src/protocol/publish-packet.ts'
import { ReasonCode } from '../../src/protocol/reason-codes.ts'
import { varintEnd } from '../../src/protocol/varint.ts'
import { runs } from '../support/runs.ts'

interface Given {
  readonly qos: QoS
  readonly isDuplicate: boolean
  readonly isRetained: boolean
  readonly packetId: number
  readonly topic: string
  readonly payload: Uint8Array
  /** Undefined is MQTT 3.1.1. */
  readonly properties: GivenProperties | undefined
}

interface GivenProperties {
  readonly isText: boolean | undefined
  readonly expirySeconds: number | undefined
  readonly contentType: string | undefined
  readonly responseTopic: string | undefined
  readonly correlation: Uint8Array | undefined
  readonly topicAlias: number | undefined
  readonly userProperties: readonly (readonly [string, string])[]
}

const EMPTY: GivenProperties = {
  isText: undefined,
  expirySeconds: undefined,
  contentType: undefined,
  responseTopic: undefined,
  correlation: undefined,
  topicAlias: undefined,
  userProperties: [],
}

const strings = fc.string({ maxLength: 40, unit: 'grapheme' }).filter((text) => !text.includes('\0'))
const topics = strings.filter((text) => text !== '' && !/[+#]/.test(text))
const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined })

const propertySets: fc.Arbitrary<GivenProperties> = fc.record({
  isText: maybe(fc.boolean()),
  expirySeconds: maybe(fc.nat({ max: 0xffff_ffff })),
  contentType: maybe(strings),
  responseTopic: maybe(topics),
  correlation: maybe(fc.uint8Array({ maxLength: 40 })),
  topicAlias: maybe(fc.integer({ min: 1, max: 65_535 })),
  userProperties: fc.array(fc.tuple(fc.oneof(strings, fc.constant('receipt')), strings), { maxLength: 3 }),
})

const packets: fc.Arbitrary<Given> = fc
  .record({
    qos: fc.constantFrom<QoS>(0, 1, 2),
    isDuplicate: fc.boolean(),
    isRetained: fc.boolean(),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    topic: topics,
    // Lengths around those at which the remaining length takes one byte more.
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 16_100, max: 16_500 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
    ),
    properties: maybe(propertySets),
  })
  // [MQTT-3.3.1-2]
  .map((given) => (given.qos === 0 ? Object.assign(given, { isDuplicate: false, packetId: 0 }) : given))

/** The properties as bytes without their length; `isForwarded` leaves out those that are not for the receivers. */
function propertyBytes(given: GivenProperties, isForwarded: boolean): Buffer {
  const writer = new PropertyWriter()
  const { isText, expirySeconds, contentType, responseTopic, correlation, topicAlias, userProperties } = given
  if (isText !== undefined) writer.byte(PropertyId.PAYLOAD_FORMAT_INDICATOR, isText ? 1 : 0)
  if (expirySeconds !== undefined && !isForwarded) writer.uint32(PropertyId.MESSAGE_EXPIRY_INTERVAL, expirySeconds)
  if (contentType !== undefined) writer.string(PropertyId.CONTENT_TYPE, contentType)
  if (responseTopic !== undefined) writer.string(PropertyId.RESPONSE_TOPIC, responseTopic)
  if (topicAlias !== undefined && !isForwarded) writer.uint16(PropertyId.TOPIC_ALIAS, topicAlias)
  if (correlation !== undefined) writer.binary(PropertyId.CORRELATION_DATA, Buffer.from(correlation))
  for (const [name, value] of userProperties) writer.pair(PropertyId.USER_PROPERTY, name, value)
  return writer.join()
}

function write({ qos, isDuplicate, isRetained, packetId, topic, payload, properties }: Given): Buffer {
  const topicBytes = Buffer.from(topic)
  const bytes = properties === undefined ? Buffer.alloc(0) : propertyBytes(properties, false)
  const propertiesBytes = properties === undefined ? NO_PROPERTIES : bytes.length
  const packet = Buffer.alloc(publishBytes(topicBytes.length, qos > 0, propertiesBytes, payload.length))
  const firstByte = publishFirstByte(qos, isDuplicate, isRetained)
  const at = writePublishHeader(packet, 0, firstByte, topicBytes, packetId, propertiesBytes, payload.length)
  // Whatever the length says, nothing is left over and nothing is missing.
  expect(at + bytes.length + payload.length).toBe(packet.length)
  bytes.copy(packet, at)
  packet.set(payload, at + bytes.length)
  return packet
}

/** Whether a User Property asks for receipts: a longer id than this does not. */
function isReceipt([name, value]: readonly [string, string]): boolean {
  return name === 'receipt' && value !== '' && Buffer.byteLength(value) <= 128
}

/** What `packet` says of the bytes that it was read from, in the form in which it was given. */
function readBack(packet: PublishPacket, bytes: Buffer) {
  const { qos, isDuplicate, isRetained, packetId, topicStart, topicEnd, payloadStart, end } = packet
  return {
    qos,
    isDuplicate,
    isRetained,
    packetId,
    topic: bytes.toString('utf8', topicStart, topicEnd),
    payload: bytes.subarray(payloadStart, end).toString('hex'),
  }
}

function expected({ qos, isDuplicate, isRetained, packetId, topic, payload }: Given) {
  return { qos, isDuplicate, isRetained, packetId, topic, payload: Buffer.from(payload).toString('hex') }
}

/** Cuts a stream of packets of one version and gives what each of them says. */
function readStream(chunks: readonly Buffer[], isVersion5: boolean) {
  const packet = new PublishPacket()
  const read: ReturnType<typeof readBack>[] = []
  const reader = new FrameReader(
    {
      frame(bytes, start, bodyStart, end) {
        packet.read(bytes, start, bodyStart, end, isVersion5)
        read.push(readBack(packet, bytes))
        return true
      },
      flush() {},
      malformed(fault) {
        throw fault
      },
    },
    1_000_000,
    new Blocks(),
  )
  for (const chunk of chunks) reader.push(chunk)
  return read
}

describe('PublishPacket', () => {
  test('reads what was written, with every flag, QoS, set of properties and version', () => {
    const packet = new PublishPacket()
    fc.assert(
      fc.property(packets, (given) => {
        const bytes = write(given)
        packet.read(bytes, 0, varintEnd(bytes, 1, bytes.length), bytes.length, given.properties !== undefined)
        expect(readBack(packet, bytes)).toEqual(expected(given))
        expect(packet.isVersion5).toBe(given.properties !== undefined)
        const { properties } = given
        if (properties === undefined) {
          expect(packet.propertiesStart).toBe(packet.payloadStart)
          return
        }
        const { propertiesStart, payloadStart, properties: read } = packet
        expect(bytes.subarray(propertiesStart, payloadStart)).toEqual(propertyBytes(properties, false))
        expect(read.forwarded(bytes, propertiesStart, payloadStart)).toEqual(propertyBytes(properties, true))
        expect(read).toMatchObject({
          topicAlias: properties.topicAlias ?? 0,
          expirySeconds: properties.expirySeconds,
          isText: properties.isText === true,
          receipt: properties.userProperties.find(isReceipt)?.[1],
        })
      }),
      { numRuns: runs(300) },
    )
  })

  test('reads the same from a stream that is cut at any byte', () => {
    const small = packets.filter(({ payload }) => payload.length < 50)
    fc.assert(
      fc.property(fc.array(small, { minLength: 1, maxLength: 3 }), fc.boolean(), (all, isVersion5) => {
        const given = all.map((one) => ({ ...one, properties: isVersion5 ? (one.properties ?? EMPTY) : undefined }))
        const stream = Buffer.concat(given.map(write))
        const wanted = given.map(expected)
        for (let cut = 0; cut <= stream.length; cut++) {
          expect(readStream([stream.subarray(0, cut), stream.subarray(cut)], isVersion5)).toEqual(wanted)
        }
        expect(
          readStream(
            Array.from(stream, (byte) => Buffer.of(byte)),
            isVersion5,
          ),
        ).toEqual(wanted)
      }),
      { numRuns: runs(20) },
    )
  })

  test('refuses a packet that is cut short, and never points outside of one', () => {
    const packet = new PublishPacket()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 15 }), fc.boolean(), (body, flags, isVersion5) => {
        // What lies behind the packet is not its own.
        const bytes = Buffer.concat([Buffer.of(0x30 | flags, body.length), body, Buffer.alloc(20, 1)])
        const end = 2 + body.length
        try {
          packet.read(bytes, 0, 2, end, isVersion5)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedPacketError)
          return
        }
        const { topicStart, topicEnd, propertiesStart, payloadStart } = packet
        const offsets = [2, topicStart, topicEnd, propertiesStart, payloadStart, end]
        expect(offsets.toSorted((a, b) => a - b)).toEqual(offsets)
      }),
      { numRuns: runs(2000) },
    )
  })

  test.each<[reason: string, body: number[], firstByte: number, code: ReasonCode]>([
    ['PUBLISH at QoS 3', [0, 1, 0x74, 0, 1], 0x36, ReasonCode.MALFORMED_PACKET], // [MQTT-3.3.1-4]
    ['PUBLISH ends inside its header', [0], 0x30, ReasonCode.MALFORMED_PACKET],
    ['PUBLISH ends inside its header', [0, 2, 0x74], 0x30, ReasonCode.MALFORMED_PACKET],
    ['PUBLISH ends inside its header', [0, 1, 0x74, 0], 0x32, ReasonCode.MALFORMED_PACKET],
    ['PUBLISH with packet identifier 0', [0, 1, 0x74, 0, 0, 0], 0x32, ReasonCode.PROTOCOL_ERROR], // [MQTT-2.3.1-1]
  ])('refuses in either version: %s', (reason, body, firstByte, code) => {
    const bytes = Buffer.of(firstByte, body.length, ...body)
    for (const isVersion5 of [false, true]) {
      const read = (): void => new PublishPacket().read(bytes, 0, 2, bytes.length, isVersion5)
      expect(read).toThrow(expect.objectContaining({ message: reason, code }))
    }
  })

  test.each([
    ['PUBLISH ends inside its header', [0, 1, 0x74]],
    ['the property length of PUBLISH is wrong', [0, 1, 0x74, 1]],
    ['the property length of PUBLISH is wrong', [0, 1, 0x74, 0x80]],
    ['the property length of PUBLISH is wrong', [0, 1, 0x74, 0x80, 0]],
    ['the property length of PUBLISH is wrong', [0, 1, 0x74, 0x80, 0x80, 0x80, 0x80, 0]],
    ['PUBLISH ends inside a property', [0, 1, 0x74, 2, 3, 0]],
  ])('refuses in MQTT 5: %s', (reason, body) => {
    const bytes = Buffer.of(0x30, body.length, ...body)
    const read = (): void => new PublishPacket().read(bytes, 0, 2, bytes.length, true)
    expect(read).toThrow(expect.objectContaining({ message: reason, code: ReasonCode.MALFORMED_PACKET }))
  })

  test('reads a kept packet whatever its packet identifier is, and no other packet', () => {
    const packet = new PublishPacket()
    const kept = encodePublish(Buffer.from('t'), Buffer.alloc(0), Buffer.from('x'), true)
    packet.readKept(kept, 0, kept.length, true)
    expect(readBack(packet, kept)).toMatchObject({ qos: 1, packetId: 0, topic: 't', payload: '78' })
    kept[0] = 0x40
    expect(() => packet.readKept(kept, 0, kept.length, true)).toThrow(new MalformedPacketError('no PUBLISH packet'))
  })

  test('is plain when neither the hub nor a receiver has anything to do with a header like its own', () => {
    const packet = new PublishPacket()
    const userProperties = [['receipts', '1']] as const
    const plain = { ...EMPTY, isText: false, responseTopic: 'r', correlation: Buffer.of(1), userProperties }
    const given = {
      qos: 0,
      isDuplicate: false,
      isRetained: false,
      packetId: 1,
      topic: 't',
      payload: Buffer.of(1),
    } as const
    const isPlain = (one: Given): boolean => {
      const bytes = write(one)
      packet.read(bytes, 0, 2, bytes.length, one.properties !== undefined)
      return packet.isPlain
    }
    for (const properties of [undefined, plain]) {
      expect(isPlain({ ...given, properties })).toBe(true)
      expect(isPlain({ ...given, properties, isRetained: true })).toBe(false)
      expect(isPlain({ ...given, properties, qos: 1 })).toBe(false)
    }
    const others: Partial<GivenProperties>[] = [
      { isText: true },
      { expirySeconds: 0 },
      { topicAlias: 1 },
      { userProperties: [['receipt', '1']] },
    ]
    for (const other of others) expect(isPlain({ ...given, properties: { ...plain, ...other } })).toBe(false)
  })
})
