import fc from 'fast-check'
import { expect } from 'vitest'
import {
  anyProperties,
  connect5,
  encode,
  numberProperty,
  type PacketModel,
  plain5,
  type Property,
  publish5,
  subscribe5,
  validProperties,
} from '../support/fuzz-packets5.ts'
import { until } from '../support/guard.ts'
import { packet, PINGREQ } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient, openRawWebSocketClient, type RawClient } from '../support/raw-client.ts'
import { type ReceivedPacket, type Version, valueOf } from '../support/received-packet.ts'
import { startHub, startHubWithHttp, type TestHub } from '../support/start-hub.ts'

/** What the fuzz tests of MQTT 5 throw at a hub, and who watches that nobody else is hurt. */

/** A hub, and how to come to it. */
export interface CarriedHub extends TestHub {
  open(version?: Version): Promise<RawClient>
}

interface Carrier {
  readonly name: string
  readonly start: (options?: Parameters<typeof startHub>[0]) => Promise<CarriedHub>
}

/** What carries the packets; HTTP, which takes longest to start, is there only for those who need it. */
export const CARRIERS5: readonly Carrier[] = [
  {
    name: 'TCP',
    start: async (options) => {
      const testHub = await startHub(options)
      return { ...testHub, open: async (version = 5) => openRawClient(testHub.port, version) }
    },
  },
  {
    name: 'WebSocket',
    start: async (options) => {
      const testHub = await startHubWithHttp(options)
      return { ...testHub, open: async (version = 5) => openRawWebSocketClient(testHub.httpPort, version) }
    },
  },
]

/** A session that is kept from run to run, with a will of all properties. */
export const FUZZER5 = {
  clientId: 'fuzzer',
  properties: [numberProperty(17, 1000, 4), numberProperty(33, 3, 2), numberProperty(34, 0, 2)],
  will: {
    topic: 'a',
    payload: 'will',
    qos: 2,
    properties: [
      [Id.WILL_DELAY, 0],
      [Id.PAYLOAD_FORMAT, 1],
      [Id.CONTENT_TYPE, 'x'],
      [Id.CORRELATION_DATA, Buffer.from([0xff])],
      [Id.USER_PROPERTY, ['a', 'b']],
    ],
  },
} as const

function isAnswered(client: RawClient): boolean {
  return client.isClosed || client.received.some(({ type }) => type === 'PINGRESP')
}

async function close(client: RawClient): Promise<RawClient> {
  client.end()
  await client.untilClosed()
  return client
}

/** Sends whole packets and waits until the hub has handled them all or has closed; closes then. */
export async function sendWhole(client: RawClient, packets: readonly Buffer[]): Promise<RawClient> {
  client.send(...packets, PINGREQ)
  await until(
    () => isAnswered(client),
    () => `PINGRESP or the end behind [${client.received.map(({ type }) => type).join(', ')}]`,
  )
  return close(client)
}

/** Sends each chunk in a turn of its own, after the hub had turns to read the one before. */
export async function sendSlowly(client: RawClient, chunks: readonly Buffer[]): Promise<RawClient> {
  for (const chunk of chunks.filter(({ length }) => length > 0)) {
    client.send(chunk)
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
  return sendWhole(client, [])
}

/** Messages and answers may mix differently when the same packets come in other chunks, so each kind is by itself. */
export function byKind(packets: readonly ReceivedPacket[]): Record<string, string[]> {
  const kinds: Record<string, string[]> = {}
  for (const { bytes, ...one } of packets) {
    if (one.type !== 'PUBLISH') {
      ;(kinds['answers'] ??= []).push(bytes.toString('base64'))
      continue
    }
    // What is left of an expiry depends on the second.
    const properties = one.properties.map(([id, value]) => [id, id === Id.MESSAGE_EXPIRY ? 0 : value])
    const fields = { ...one, properties, payload: one.payload.toString('base64'), length: bytes.length }
    ;(kinds['PUBLISH'] ??= []).push(JSON.stringify(fields))
  }
  return kinds
}

/** What the client said of itself in its CONNECT. */
interface ClientLimits {
  readonly hasProblemInformation?: boolean
  readonly maximumPacketBytes?: number
  readonly topicAliasMaximum?: number
}

/**
 * All that a client got. @throws Error when a packet or their order breaks the standard: first CONNACK, and nothing behind one
 * that refuses or behind DISCONNECT.
 */
export function readAnswers(client: RawClient, limits: ClientLimits = {}): readonly ReceivedPacket[] {
  client.expectNoFault()
  const { hasProblemInformation = true, maximumPacketBytes = Infinity, topicAliasMaximum = 0 } = limits
  const answers = client.received
  for (const [i, answer] of answers.entries()) {
    const expectThat = (isSo: boolean, fault: string): void => {
      if (isSo) return
      const types = answers.map(({ type }) => type).join(', ')
      throw new Error(`the hub sent ${answer.type}, ${i + 1} of [${types}], which ${fault}`)
    }
    expectThat((i === 0) === (answer.type === 'CONNACK'), 'must be first, and nothing else')
    expectThat(i === answers.length - 1 || endCode([answer]) === undefined, 'must be last')
    // [MQTT5-3.1.2-24]
    expectThat(answer.bytes.length <= maximumPacketBytes, 'is larger than the client takes')
    const properties = 'properties' in answer ? answer.properties : []
    // [MQTT5-3.1.2-29]
    const mayExplain = hasProblemInformation || ['PUBLISH', 'CONNACK', 'DISCONNECT'].includes(answer.type)
    const isExplained = properties.some(([id]) => id === Id.REASON_STRING || id === Id.USER_PROPERTY)
    expectThat(mayExplain || !isExplained, 'has a reason string that the client does not want')
    // [MQTT5-3.3.2-8], [MQTT5-3.1.2-26]
    const alias = valueOf({ properties }, Id.TOPIC_ALIAS)
    const isInBounds = alias === undefined || (Number(alias) > 0 && Number(alias) <= topicAliasMaximum)
    expectThat(isInBounds, `has Topic Alias ${String(alias)}`)
  }
  return answers
}

/** The reason code that the hub ended the connection with, or undefined when it did not say why. */
export function endCode(answers: readonly ReceivedPacket[]): number | undefined {
  const last = answers.at(-1)
  const isEnd = last?.type === 'DISCONNECT' || (last?.type === 'CONNACK' && last.reasonCode >= 0x80)
  return isEnd ? last.reasonCode : undefined
}

/**
 * Sends bytes that may leave the hub waiting for the rest of a packet, and closes when it has answered or others have been
 * served several times meanwhile; waits until the hub has closed too.
 */
export async function throwAt(
  client: RawClient,
  chunks: readonly Buffer[],
  serveOthers: () => Promise<void>,
): Promise<RawClient> {
  for (const chunk of chunks) client.send(chunk)
  client.send(PINGREQ)
  for (let i = 0; i < 5 && !isAnswered(client); i++) await serveOthers()
  await close(client)
  await serveOthers()
  return client
}

/** What a CONNECT with these properties asks of the hub. */
export function limitsOf(properties: readonly Property[]): ClientLimits {
  const value = (id: number): Buffer | undefined => properties.find((one) => one.id === id)?.value
  const [information, size, aliases] = [value(23), value(39), value(34)]
  return {
    hasProblemInformation: information?.[0] !== 0,
    // 0 is no size but a fault.
    maximumPacketBytes: (size?.length === 4 && size.readUInt32BE()) || Infinity,
    topicAliasMaximum: aliases?.length === 2 ? aliases.readUInt16BE() : 0,
  }
}

/** A client of MQTT 5 that talks to itself at QoS 1, to show that whatever others do is not felt. */
export class Witness5 {
  readonly #client: RawClient
  #said = 0

  constructor(client: RawClient) {
    this.#client = client
  }

  static async join(client: RawClient): Promise<Witness5> {
    client.send(encode(connect5({ clientId: 'witness', will: { topic: 'witness', payload: 'died', qos: 1 } })))
    await client.next('CONNACK')
    client.send(encode(subscribe5(1, [['witness', 1]])))
    await client.next('SUBACK')
    return new Witness5(client)
  }

  /** Gets its own next message, and nothing else has come. */
  async expectUntouched(): Promise<void> {
    const payload = `${++this.#said}`
    this.#client.send(
      encode(publish5({ topic: 'witness', payload, qos: 1, packetId: 1, retain: false, properties: [] })),
    )
    const answers = await this.#client.restBeforePingresp()
    for (const answer of answers) if (answer.type === 'PUBLISH') await this.#client.finish(answer)
    const texts = answers.map((one) => (one.type === 'PUBLISH' ? `PUBLISH ${one.payload.toString()}` : one.type))
    expect(texts.toSorted()).toEqual(['PUBACK', `PUBLISH ${payload}`])
  }
}

const topic = fc.constantFrom('a', 'a/b', 'b', 'c/d/e', 'r')
const plainFilter = fc.constantFrom('a', 'a/+', '#', '+/b', 'c/#', 'r')
const sharedFilter = fc.constantFrom('$share/g/a/#', '$share/h/+')
const filter = fc.oneof({ weight: 3, arbitrary: plainFilter }, { weight: 1, arbitrary: sharedFilter })
/** QoS with Retain As Published (8), Retain Handling 1 or 2 (16, 32); No Local (4) must not be with shared ones. */
const options = fc.constantFrom(0, 1, 2, 8 | 1, 16 | 2, 32, 8 | 16 | 2)
const plainOptions = fc.constantFrom(4 | 1, 4 | 8 | 2)
const subscription = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(filter, options) },
  { weight: 1, arbitrary: fc.tuple(plainFilter, plainOptions) },
)
const packetId = fc.integer({ min: 1, max: 5 })
const payload = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('x'.repeat(200), 'y'.repeat(20_000)))

const publishModel = fc
  .record({
    topic,
    payload,
    qos: fc.constantFrom(0, 1, 2),
    packetId,
    retain: fc.boolean(),
    properties: validProperties('PUBLISH'),
  })
  .map(publish5)
const subscribeModel = fc
  .tuple(packetId, fc.array(subscription, { minLength: 1, maxLength: 3 }), validProperties('SUBSCRIBE'))
  .map((at) => subscribe5(...at))
const unsubscribeModel = fc
  .tuple(packetId, fc.array(filter, { minLength: 1, maxLength: 3 }), validProperties('UNSUBSCRIBE'))
  .map(([id, filters, properties]) => plain5('UNSUBSCRIBE', [0, id], properties, filters))
const acknowledgeModel = fc
  .constantFrom('PUBACK' as const, 'PUBREC' as const, 'PUBREL' as const, 'PUBCOMP' as const)
  .chain((name) =>
    fc
      .tuple(packetId, fc.constantFrom(0, name === 'PUBACK' || name === 'PUBREC' ? 0x97 : 0x92), validProperties(name))
      .map(([id, code, properties]) => plain5(name, [0, id, code], properties)),
  )
const badModel = fc
  .constantFrom('PUBACK' as const, 'AUTH' as const, 'DISCONNECT' as const)
  .chain((name) =>
    anyProperties(name).map((properties) => plain5(name, name === 'PUBACK' ? [0, 1, 0] : [0], properties)),
  )

const model = fc.oneof(
  { weight: 8, arbitrary: publishModel },
  { weight: 3, arbitrary: subscribeModel },
  { weight: 2, arbitrary: unsubscribeModel },
  { weight: 5, arbitrary: acknowledgeModel },
)

/** Ways to make one packet wrong as a whole. */
const LIES = [
  (one: PacketModel) => encode(one, { remaining: 1 }),
  (one: PacketModel) => encode(one, { remaining: -1 }),
  (one: PacketModel) => encode(one, { properties: 1 }),
  (one: PacketModel) => encode(one, { properties: -1 }),
  (one: PacketModel) => encode(one, { properties: 127 }),
  (one: PacketModel) => encode({ ...one, properties: [...one.properties, ...one.properties] }),
  (one: PacketModel) => encode({ ...one, properties: [...one.properties, numberProperty(33, 1, 2)] }),
  (one: PacketModel) => encode({ ...one, flags: one.flags ^ 6 }),
  (one: PacketModel) => encode({ ...one, head: Buffer.alloc(one.head.length) }),
  (one: PacketModel) => encode({ ...one, tail: one.tail.subarray(1) }),
] as const

/** Ways to spoil a stream of bytes at a place, given as a part of its length. */
export const damage = fc.record({
  kind: fc.constantFrom('change', 'drop', 'insert', 'flip', 'cut', 'repeat'),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
})

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

export function spoil(stream: Buffer, { kind, place, bytes }: Damage): Buffer {
  const at = Math.min(Math.floor(place * stream.length), stream.length - 1)
  const [before, after] = [stream.subarray(0, at), stream.subarray(at)]
  const some = Buffer.from(bytes)
  switch (kind) {
    case 'flip':
      return Buffer.concat([before, Buffer.from([(after[0] ?? 0) ^ (1 << ((bytes[0] ?? 0) % 8))]), after.subarray(1)])
    case 'cut':
      return before
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, 20), after])
    case 'insert':
      return Buffer.concat([before, some, after])
    case 'drop':
      return Buffer.concat([before, after.subarray(some.length)])
    default:
      return Buffer.concat([before, some, after.subarray(some.length)])
  }
}

/** Streams of valid packets, some of which tell lies about themselves, and damaged in places. */
export const damagedStream = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 20, arbitrary: model.map((one) => encode(one)) },
        { weight: 1, arbitrary: fc.constant(PINGREQ) },
        { weight: 1, arbitrary: badModel.map((one) => encode(one)) },
        { weight: 1, arbitrary: fc.tuple(model, fc.constantFrom(...LIES)).map(([one, lie]) => lie(one)) },
      ),
      { minLength: 3, maxLength: 25, size: 'max' },
    ),
    fc.array(damage, { maxLength: 2 }),
  )
  .map(([packets, damages]) => damages.reduce(spoil, Buffer.concat(packets)))

/** Streams of packets that are all valid. */
export const validStream = fc
  .array(
    model.map((one) => encode(one)),
    { minLength: 3, maxLength: 25, size: 'max' },
  )
  .map((packets) => Buffer.concat(packets))

/** Packets of any type, flags and body, with true and false lengths; also bodies that begin like real ones. */
const loosePacket = fc
  .tuple(
    fc.integer({ min: 0, max: 15 }),
    fc.integer({ min: 0, max: 15 }),
    fc.constantFrom('', '0001', '000161', '0001610001', '0000'),
    fc.uint8Array({ maxLength: 40 }),
    fc.nat(3),
  )
  .map(([type, flags, start, rest, lie]) => {
    const body = Buffer.concat([Buffer.from(start, 'hex'), rest])
    return packet(type, flags, body, lie === 0 ? body.length + 1 : body.length)
  })
/** As before, with the flags that belong to the type. */
const flaggedPacket = loosePacket.map((bytes) => {
  const type = (bytes[0] ?? 0) >> 4
  return Buffer.concat([Buffer.from([(type << 4) | ([6, 8, 10].includes(type) ? 2 : 0)]), bytes.subarray(1)])
})
export const garbage = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 400, size: 'max' }).map((bytes) => Buffer.from(bytes)),
  fc.array(loosePacket, { minLength: 1, maxLength: 10 }).map((packets) => Buffer.concat(packets)),
  fc.array(flaggedPacket, { minLength: 1, maxLength: 10 }).map((packets) => Buffer.concat(packets)),
)
