import { describe, expect, test } from 'vitest'
import { endingOf, join5, KEPT, message5, NOT_UTF8, refusalOf, SURROGATE, WITH_NUL } from './steps5.ts'
import { field, uint16 } from '../support/bytes.ts'
import {
  type ConnectFields,
  connectPacket,
  packet,
  PINGREQ,
  publishPacket,
  subscribePacket,
} from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { valueOf } from '../support/received-packet.ts'
import { leave, lose, publish, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const WITH_METHOD = { clientId: 'c', properties: [[Id.AUTHENTICATION_METHOD, 'unknown']] } as const

/** A CONNECT of the client `c`, unless `fields` say another. */
function connect5(fields: ConnectFields): Buffer {
  return connectPacket({ clientId: 'c', properties: [], ...fields })
}

/** A CONNECT whose payload is these bytes. */
function connectWith(connectFlags: number, ...payload: readonly Buffer[]): Buffer {
  const header = [field('MQTT'), Buffer.from([5, connectFlags]), uint16(0), Buffer.from([0])]
  return packet('CONNECT', 0, Buffer.concat([...header, ...payload]))
}

describe('CONNECT', () => {
  const malformed: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['the reserved flag [MQTT-3.1.2-3]', connect5({ connectFlags: 3 })],
    ['a will flag and no will [MQTT-3.1.2-9]', connect5({ connectFlags: 2 | 4 })],
    ['a will QoS without a will [MQTT-3.1.2-11]', connect5({ connectFlags: 2 | 8 })],
    ['a will at QoS 3 [MQTT-3.1.2-12]', connect5({ will: { topic: 'w', qos: 3 } })],
    ['a will retain without a will [MQTT-3.1.2-13]', connect5({ connectFlags: 2 | 32 })],
    ['a user name without its flag [MQTT-3.1.2-16]', connect5({ trailer: field('u') })],
    ['a user name flag and no name [MQTT-3.1.2-17]', connect5({ connectFlags: 2 | 128 })],
    ['a password without its flag [MQTT-3.1.2-18]', connect5({ userName: 'u', trailer: field('p') })],
    ['a password flag and no password [MQTT-3.1.2-19]', connect5({ connectFlags: 2 | 64 })],
    [
      'its fields in another order [MQTT-3.1.3-1]',
      connectWith(2 | 4 | 128, field('c'), field('user'), Buffer.from([0]), field('topic'), field('payload')),
    ],
    ['no client identifier [MQTT-3.1.3-3]', connectWith(2)],
    ['a client identifier that is not UTF-8 [MQTT-3.1.3-4]', connect5({ clientId: NOT_UTF8 })],
    ['a client identifier with a surrogate [MQTT-1.5.4-1]', connect5({ clientId: SURROGATE })],
    ['a client identifier with U+0000 [MQTT-1.5.4-2]', connect5({ clientId: WITH_NUL })],
    ['a will topic that is not UTF-8 [MQTT-3.1.3-11]', connect5({ will: { topic: NOT_UTF8, payload: 'x' } })],
    ['a user name that is not UTF-8 [MQTT-3.1.3-12]', connect5({ userName: NOT_UTF8 })],
    ['bytes behind its end [MQTT-3.1.4-1]', connect5({ trailer: Buffer.from([0]) })],
  ]
  test.each(malformed)('with %s is refused as malformed, then closed', async (_what, bytes) => {
    const { port } = await startHub()
    expect(await refusalOf(port, bytes)).toBe(MALFORMED)
  })

  test('with reserved flags in its first byte ends the connection, with 0x81 or nothing [MQTT-2.1.3-1]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    client.send(connect5({ flags: 2 }))
    await client.untilClosed()
    const codes = client.received.map((received) => ('reasonCode' in received ? received.reasonCode : received.type))
    expect([[], [MALFORMED]]).toContainEqual(codes)
  })

  test('with a will topic that has a wildcard is refused, then closed [MQTT-3.1.4-1] [MQTT-4.13.1-1]', async () => {
    const { port } = await startHub()
    const reasonCode = await refusalOf(port, connect5({ will: { topic: 'a/#' } }))
    expect([MALFORMED, PROTOCOL_ERROR, 0x90]).toContain(reasonCode)
  })

  const first: readonly (readonly [name: string, bytes: Buffer])[] = [
    ['PUBLISH', message5('t')],
    ['PINGREQ', PINGREQ],
    ['AUTH', packet('AUTH', 0, Buffer.from([0x18, 0]))],
    ['DISCONNECT', packet('DISCONNECT', 0, Buffer.alloc(0))],
  ]
  test.each(first)('must come first: %s ends the connection without an answer [MQTT-3.1.0-1]', async (_name, bytes) => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    client.send(bytes)
    await client.untilClosed()
    client.expectNothingLeft()
  })

  test('a second time is a protocol error [MQTT-3.1.0-2] [MQTT-3.2.0-2]', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, connect5({ clientId: 'offender' }))).toBe(PROTOCOL_ERROR)
  })

  test('of another protocol ends the connection, with 0x84 or nothing [MQTT-3.1.2-1]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    client.send(connect5({ protocolName: 'MQTX' }))
    await client.untilClosed()
    const codes = client.received.map((received) => (received.type === 'CONNACK' ? received.reasonCode : received.type))
    expect([[], [0x84], [1]]).toContainEqual(codes)
  })

  test('at level 6 is refused with 0x84 or the code 1 of older versions, then closed [MQTT-3.1.2-2]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    client.send(connect5({ protocolLevel: 6 }))
    expect([0x84, 1]).toContain((await client.next('CONNACK')).reasonCode)
    await client.untilClosed()
  })

  test('with a password and no user name is accepted', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    expect(await client.connect({ clientId: 'c', password: 'p' })).toMatchObject({ reasonCode: 0 })
  })

  test('that is over a limit of the hub is refused with its reason, then closed [MQTT-3.1.4-2]', async () => {
    const { port } = await startHub({ config: { limits: { maxConnections: 1 } } })
    await join5(port, 'first')
    expect(await refusalOf(port, connect5({ clientId: 'second' }))).toBe(0x97)
  })

  const refused: readonly (readonly [what: string, bytes: Buffer, reasonCode: number])[] = [
    ['with an unknown authentication method', connect5(WITH_METHOD), 0x8c],
    ['that is malformed', connect5({ connectFlags: 3 }), MALFORMED],
    [
      'with a property twice',
      connect5({
        properties: [
          [Id.RECEIVE_MAXIMUM, 1],
          [Id.RECEIVE_MAXIMUM, 1],
        ],
      }),
      PROTOCOL_ERROR,
    ],
    ['with a will topic that is too deep', connect5({ will: { topic: 'a/b/c/d' } }), 0x90],
    [
      'with a will that is not the text it says it is',
      connect5({ will: { topic: 'w', payload: NOT_UTF8, properties: [[Id.PAYLOAD_FORMAT, 1]] } }),
      0x99,
    ],
  ]
  test.each(refused)(
    '%s has nothing behind it processed, and is told of no session though there is one [MQTT-3.1.4-6] [MQTT-3.2.2-6] [MQTT-3.2.2-7]',
    async (_what, bytes, reasonCode) => {
      const { port } = await startHub({ config: { limits: { maxTopicLevels: 3 } } })
      const held = await join5(port, 'c', KEPT)
      await held.subscribe(['held', 1])
      await leave(held)
      const watcher = await join5(port, 'watcher')
      await watcher.subscribe(['#', 0])
      const rest = [
        subscribePacket(1, [['t', 0]], []),
        message5('t', 'must not pass'),
        publishPacket({ topic: 't', qos: 1, properties: [] }),
      ]
      // Its client fails on a session that is present in a refusal.
      expect(await refusalOf(port, bytes, ...rest)).toBe(reasonCode)
      expect(await takePayloads(watcher)).toEqual([])
      const back = await openRawClient(port, 5)
      expect(await back.connect({ ...KEPT, clientId: 'c' })).toMatchObject({ isSessionPresent: true })
    },
  )

  test('that is one too many has nothing behind it processed, and is told of no session though there is one [MQTT-3.1.4-6] [MQTT-3.2.2-6] [MQTT-3.2.2-7]', async () => {
    const { log, port } = await startHub({ config: { limits: { maxConnections: 1 } } })
    // Not `leave`: the hub has counted it out when it says that it is lost.
    await lose(log, await join5(port, 'c', KEPT))
    const watcher = await join5(port, 'watcher')
    await watcher.subscribe(['#', 0])
    expect(await refusalOf(port, connect5(KEPT), message5('t', 'must not pass'))).toBe(0x97)
    expect(await takePayloads(watcher)).toEqual([])
  })

  test('may have packets behind it that do not wait for the CONNACK', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    client.send(
      connect5({ clientId: 'c' }),
      publishPacket({ topic: 't', qos: 1, packetId: 9, properties: [] }),
      PINGREQ,
    )
    expect([(await client.next()).type, (await client.next()).type, (await client.next()).type]).toEqual([
      'CONNACK',
      'PUBACK',
      'PINGRESP',
    ])
  })
})

describe('A client identifier', () => {
  test.each([
    ['one character', 'a'],
    ['23 characters', '0123456789abcdefghijklm'],
    ['capitals', 'NOPQRSTUVWXYZABCDEFGHIJ'],
    ['more characters than must be', 'device/é 1'.repeat(10)],
  ])('of %s is accepted and none is assigned [MQTT-3.1.3-5]', async (_what, clientId) => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    const connack = await client.connect({ clientId })
    expect(connack.reasonCode).toBe(0)
    expect(valueOf(connack, Id.ASSIGNED_CLIENT_IDENTIFIER)).toBe(undefined)
  })

  test('tells one session from another [MQTT-3.1.3-2]', async () => {
    const { port } = await startHub()
    const publisher = await join5(port, 'publisher')
    for (const clientId of ['a', 'b']) {
      const client = await join5(port, clientId, KEPT)
      await client.subscribe([clientId, 1])
      await leave(client)
    }
    await publish(publisher, publishPacket({ topic: 'b', payload: 'for b', qos: 1, properties: [] }))
    expect(await takePayloads(await join5(port, 'a', KEPT))).toEqual([])
    expect(await takePayloads(await join5(port, 'b', KEPT))).toEqual(['for b'])
  })

  test('that is empty is replaced by a new one, which the CONNACK names [MQTT-3.1.3-6] [MQTT-3.2.2-16]', async () => {
    const { port } = await startHub()
    const assigned = new Set<unknown>()
    for (let i = 0; i < 3; i++) {
      const client = await openRawClient(port, 5)
      const connack = await client.connect({ clientId: '' })
      expect(connack.reasonCode).toBe(0)
      assigned.add(valueOf(connack, Id.ASSIGNED_CLIENT_IDENTIFIER))
    }
    expect(assigned.size).toBe(3)
    for (const clientId of assigned) expect(clientId).toMatch(/^hubbub-[0-9a-f-]{36}$/)
  })

  test('that was assigned is the client’s as if it had named it, its kept session too [MQTT-3.1.3-7]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    const connack = await client.connect({ ...KEPT, clientId: '' })
    const clientId = valueOf(connack, Id.ASSIGNED_CLIENT_IDENTIFIER)
    if (typeof clientId !== 'string') throw new Error('the hub assigned no client identifier')
    await client.subscribe(['t', 1])
    await leave(client)
    await publish(
      await join5(port, 'publisher'),
      publishPacket({ topic: 't', payload: 'kept', qos: 1, properties: [] }),
    )
    const back = await openRawClient(port, 5)
    expect(await back.connect({ ...KEPT, clientId })).toMatchObject({ isSessionPresent: true })
    expect(await takePayloads(back)).toEqual(['kept'])
  })

  test('belongs to the newest connection: the older one is told 0x8E and closed [MQTT-3.1.4-3]', async () => {
    const { port } = await startHub()
    const older = await join5(port, 'c')
    const newer = await join5(port, 'c')
    expect(await older.untilDisconnected()).toBe(0x8e)
    expect(await newer.restBeforePingresp()).toEqual([])
  })
})

describe('Clean Start', () => {
  test('of 1 discards the session that there is [MQTT-3.1.2-4] [MQTT-3.1.4-4] [MQTT-3.2.2-2]', async () => {
    const { port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1])
    await leave(first)
    const second = await openRawClient(port, 5)
    const connack = await second.connect({ ...KEPT, clientId: 'c', isClean: true })
    expect(connack).toMatchObject({ reasonCode: 0, isSessionPresent: false })
    await publish(await join5(port, 'publisher'), publishPacket({ topic: 't', qos: 1, properties: [] }))
    expect(await takePayloads(second)).toEqual([])
  })

  test('of 0 goes on with the session that there is [MQTT-3.1.2-5] [MQTT-3.2.2-3]', async () => {
    const { port } = await startHub()
    const first = await join5(port, 'c', KEPT)
    await first.subscribe(['t', 1])
    await leave(first)
    const second = await openRawClient(port, 5)
    const connack = await second.connect({ ...KEPT, clientId: 'c' })
    expect(connack).toMatchObject({ reasonCode: 0, isSessionPresent: true })
    await publish(await join5(port, 'publisher'), publishPacket({ topic: 't', payload: 'x', qos: 1, properties: [] }))
    expect(await takePayloads(second)).toEqual(['x'])
  })

  test('of 0 begins a session where there is none [MQTT-3.1.2-6] [MQTT-3.2.2-3]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    const connack = await client.connect({ ...KEPT, clientId: 'c' })
    expect(connack).toMatchObject({ reasonCode: 0, isSessionPresent: false })
    expect((await client.subscribe(['t', 1])).codes).toEqual([1])
  })
})
