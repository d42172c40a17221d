import { describe, expect, test } from 'vitest'
import { endingOf, join5, message5, NOT_UTF8, refusalOf, SURROGATE, WITH_NUL } from './steps5.ts'
import { field, uint16, varint } from '../support/bytes.ts'
import {
  acknowledgePacket,
  connectPacket,
  disconnectPacket,
  packet,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { anyValueOf, Id, type Properties, type Property, PROPERTY_IDS, propertyBlock } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { valuesOf } from '../support/received-packet.ts'
import { lose, publish } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82

/** Packets of a client with these properties, and the properties that each may have. */
const PACKETS: readonly (readonly [name: string, build: (properties: Properties) => Buffer, own: readonly number[]])[] =
  [
    [
      'PUBLISH',
      (properties) => publishPacket({ topic: 't', properties }),
      [
        Id.PAYLOAD_FORMAT,
        Id.MESSAGE_EXPIRY,
        Id.CONTENT_TYPE,
        Id.RESPONSE_TOPIC,
        Id.CORRELATION_DATA,
        Id.TOPIC_ALIAS,
        Id.USER_PROPERTY,
      ],
    ],
    ['PUBACK', (properties) => acknowledgePacket('PUBACK', 1, 0, properties), [Id.REASON_STRING, Id.USER_PROPERTY]],
    ['PUBREC', (properties) => acknowledgePacket('PUBREC', 1, 0, properties), [Id.REASON_STRING, Id.USER_PROPERTY]],
    ['PUBREL', (properties) => acknowledgePacket('PUBREL', 1, 0, properties), [Id.REASON_STRING, Id.USER_PROPERTY]],
    ['PUBCOMP', (properties) => acknowledgePacket('PUBCOMP', 1, 0, properties), [Id.REASON_STRING, Id.USER_PROPERTY]],
    [
      'SUBSCRIBE',
      (properties) => subscribePacket(1, [['t', 0]], properties),
      [Id.SUBSCRIPTION_IDENTIFIER, Id.USER_PROPERTY],
    ],
    ['UNSUBSCRIBE', (properties) => unsubscribePacket(1, ['t'], properties), [Id.USER_PROPERTY]],
  ]

/** May come more than once in a packet of a client. */
const REPEATABLE: ReadonlySet<number> = new Set([Id.USER_PROPERTY])

const CONNECT_OWN: readonly number[] = [
  Id.SESSION_EXPIRY,
  Id.RECEIVE_MAXIMUM,
  Id.MAXIMUM_PACKET_SIZE,
  Id.TOPIC_ALIAS_MAXIMUM,
  Id.REQUEST_RESPONSE_INFORMATION,
  Id.REQUEST_PROBLEM_INFORMATION,
  Id.USER_PROPERTY,
  Id.AUTHENTICATION_METHOD,
  Id.AUTHENTICATION_DATA,
]

function raw(id: number, bytes: Buffer): Property {
  return [id, bytes]
}

/** Bytes with a length in front, as strings are. */
function text(bytes: Buffer): Buffer {
  return Buffer.concat([uint16(bytes.length), bytes])
}

async function refusedWith(port: number, properties: Properties): Promise<number> {
  return refusalOf(port, connectPacket({ clientId: 'c', properties }))
}

describe('Properties that a packet may have are taken in', () => {
  test.each(PACKETS)('%s, all at once', async (_name, build, own) => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await publish(client, build(own.map((id) => [id, anyValueOf(id)])))
    expect(client.isClosed).toBe(false)
  })

  test('CONNECT, all at once that need no authentication', async () => {
    const { port } = await startHub()
    const own = CONNECT_OWN.filter((id) => id !== Id.AUTHENTICATION_METHOD && id !== Id.AUTHENTICATION_DATA)
    const properties = own.filter((id) => id !== Id.MAXIMUM_PACKET_SIZE).map((id): Property => [id, anyValueOf(id)])
    const client = await join5(port, 'c', { properties: [...properties, [Id.MAXIMUM_PACKET_SIZE, 1000]] })
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('any packet without one, as a length of zero or, where the packet is short, as nothing [MQTT-2.2.2-1]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 0])
    await publish(client, acknowledgePacket('PUBACK', 1), acknowledgePacket('PUBACK', 1, 0))
    await publish(client, acknowledgePacket('PUBACK', 1, 0, []))
    // With the length left out, the payload's first byte is taken for it.
    client.send(packet('PUBLISH', 0, Buffer.concat([field('t'), Buffer.from([0]), Buffer.from('x')])))
    expect(await client.next('PUBLISH')).toMatchObject({ payload: Buffer.from('x'), properties: [] })
  })
})

describe.each(PACKETS)('Properties of %s', (_name, build, own) => {
  test('that it may not have end the client', async () => {
    const { port } = await startHub()
    for (const id of PROPERTY_IDS.filter((other) => !own.includes(other))) {
      const code = await endingOf(port, build([[id, anyValueOf(id)]]))
      expect([id, MALFORMED, PROTOCOL_ERROR]).toEqual(expect.arrayContaining([id, code]))
    }
    expect([MALFORMED, PROTOCOL_ERROR]).toContain(await endingOf(port, build([[0x7f, Buffer.from([0])]])))
  })

  test('that come twice are a protocol error', async () => {
    const { port } = await startHub()
    for (const id of own.filter((other) => !REPEATABLE.has(other))) {
      const property: Property = [id, anyValueOf(id)]
      expect([id, await endingOf(port, build([property, property]))]).toEqual([id, PROTOCOL_ERROR])
    }
  })

  test('that are not as long as they say are malformed', async () => {
    const { port } = await startHub()
    const user = propertyBlock([[Id.USER_PROPERTY, ['name', 'value']]])
    const wrong = [
      Buffer.from([0x7f]), // longer than the packet
      Buffer.from([1, Id.USER_PROPERTY]), // an identifier and nothing behind it
      Buffer.concat([varint(user.length - 2), user.subarray(1)]), // ends inside of a property
      Buffer.concat([varint(1), Buffer.from([0x80])]), // an identifier that does not end
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0x7f]), // a length of five bytes
      Buffer.from([0x80, 0x80, 0x80]), // a length that does not end
    ]
    for (const bytes of wrong) expect([bytes, await endingOf(port, build(bytes))]).toEqual([bytes, MALFORMED])
  })

  test('with strings that are not UTF-8 are malformed [MQTT-1.5.7-1] [MQTT-1.5.4-1] [MQTT-1.5.4-2]', async () => {
    const { port } = await startHub()
    for (const bad of [NOT_UTF8, SURROGATE, WITH_NUL]) {
      for (const pair of [Buffer.concat([text(bad), field('v')]), Buffer.concat([field('n'), text(bad)])]) {
        expect(await endingOf(port, build([raw(Id.USER_PROPERTY, pair)]))).toBe(MALFORMED)
      }
    }
  })
})

describe('Properties of CONNECT', () => {
  test('that it may not have are refused', async () => {
    const { port } = await startHub()
    for (const id of PROPERTY_IDS.filter((other) => !CONNECT_OWN.includes(other))) {
      expect([MALFORMED, PROTOCOL_ERROR]).toContain(await refusedWith(port, [[id, anyValueOf(id)]]))
    }
  })

  test('that come twice are a protocol error', async () => {
    const { port } = await startHub()
    for (const id of CONNECT_OWN.filter((other) => !REPEATABLE.has(other))) {
      const property: Property = [id, anyValueOf(id)]
      expect([id, await refusedWith(port, [property, property])]).toEqual([id, PROTOCOL_ERROR])
    }
  })

  test.each([
    ['Receive Maximum 0', Id.RECEIVE_MAXIMUM, 0],
    ['Maximum Packet Size 0', Id.MAXIMUM_PACKET_SIZE, 0],
    ['Request Response Information 2', Id.REQUEST_RESPONSE_INFORMATION, 2],
    ['Request Problem Information 2', Id.REQUEST_PROBLEM_INFORMATION, 2],
  ])('with a value that is none are a protocol error: %s', async (_what, id, value) => {
    const { port } = await startHub()
    expect(await refusedWith(port, [[id, value]])).toBe(PROTOCOL_ERROR)
  })

  test('that are not as long as they say are malformed', async () => {
    const { port } = await startHub()
    expect(await refusedWith(port, Buffer.from([0x7f]))).toBe(MALFORMED)
    expect(await refusedWith(port, Buffer.from([1, Id.SESSION_EXPIRY]))).toBe(MALFORMED)
    expect(await refusedWith(port, [raw(Id.SESSION_EXPIRY, Buffer.from([0, 0]))])).toBe(MALFORMED)
  })

  test('with strings that are not UTF-8 are malformed [MQTT-1.5.7-1]', async () => {
    const { port } = await startHub()
    const pair = Buffer.concat([text(NOT_UTF8), field('v')])
    expect(await refusedWith(port, [raw(Id.USER_PROPERTY, pair)])).toBe(MALFORMED)
    expect(await refusedWith(port, [raw(Id.AUTHENTICATION_METHOD, text(NOT_UTF8))])).toBe(MALFORMED)
  })
})

describe('Values of properties', () => {
  test('that are none are a protocol error: Payload Format Indicator 2', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, message5('t', 'x', [[Id.PAYLOAD_FORMAT, 2]]))).toBe(PROTOCOL_ERROR)
  })

  test('of DISCONNECT are checked like any other', async () => {
    const { port } = await startHub()
    const twice: Property[] = [
      [Id.REASON_STRING, 'a'],
      [Id.REASON_STRING, 'b'],
    ]
    expect(await endingOf(port, disconnectPacket(0, twice))).toBe(PROTOCOL_ERROR)
    expect(await endingOf(port, disconnectPacket(0, Buffer.from([0x7f])))).toBe(MALFORMED)
    expect([MALFORMED, PROTOCOL_ERROR]).toContain(await endingOf(port, disconnectPacket(0, [[Id.WILL_DELAY, 1]])))
  })

  test('with U+FEFF keep it wherever it stands, in a will too [MQTT-1.5.4-3]', async () => {
    const { log, port } = await startHub()
    const properties: Property[] = [
      [Id.CONTENT_TYPE, '\uFEFFtext'],
      [Id.RESPONSE_TOPIC, '\uFEFFanswers'],
      [Id.USER_PROPERTY, ['\uFEFFname', '\uFEFFva\uFEFFlue']],
    ]
    const client = await join5(port, 'c')
    await client.subscribe(['#', 0])
    client.send(message5('\uFEFFt', 'x', properties))
    expect(await client.next('PUBLISH')).toMatchObject({ topic: '\uFEFFt', properties })
    await lose(log, await join5(port, 'gone', { will: { topic: '\uFEFFwill', properties } }))
    expect(await client.next('PUBLISH')).toMatchObject({ topic: '\uFEFFwill', properties })
  })

  test('with U+FEFF tell client identifiers and topic filters from those without [MQTT-1.5.4-3]', async () => {
    const { port } = await startHub()
    const marked = await openRawClient(port, 5)
    const asked = { properties: [[Id.REQUEST_RESPONSE_INFORMATION, 1]] } as const
    const connack = await marked.connect({ ...asked, clientId: '\uFEFFc' })
    expect(valuesOf(connack, Id.RESPONSE_INFORMATION)).toEqual(['response/\uFEFFc'])
    const plain = await join5(port, 'c')
    await marked.subscribe(['\uFEFFt', 0])
    marked.send(unsubscribePacket(2, ['t'], []))
    expect((await marked.next('UNSUBACK')).codes).toEqual([0x11])
    await publish(plain, message5('t', 'plain'), message5('\uFEFFt', 'marked'))
    expect((await marked.next('PUBLISH')).payload.toString()).toBe('marked')
    marked.send(unsubscribePacket(3, ['\uFEFFt'], []))
    expect((await marked.next('UNSUBACK')).codes).toEqual([0])
  })

  test('that are variable byte integers are written as short as can be [MQTT-1.5.5-1]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    const values = [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455]
    for (const value of values) {
      await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, value]], ['t', 0])
      client.send(message5('t'))
      // The client fails on one that is longer than need be.
      expect(valuesOf(await client.next('PUBLISH'), Id.SUBSCRIPTION_IDENTIFIER)).toEqual([value])
    }
  })
})
