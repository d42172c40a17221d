import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { TcpTransport } from '../../src/listeners/tcp-transport.ts'
import { field } from '../support/bytes.ts'
import { connectPacket, DISCONNECT, packet, publishPacket, subscribePacket } from '../support/packets.ts'
import { connectRawClient, openRawClient } from '../support/raw-client.ts'
import {
  Bystander,
  isPublish,
  join,
  leave,
  lose,
  message,
  payloadsOf,
  publish,
  takePayloads,
  untilReason,
} from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const NOT_UTF8 = Buffer.from([0xff])
const KEPT = { clientId: 'kept', isClean: false } as const

/** A CONNECT that is cut short: the fields of a whole one up to `bytes` of its body. */
function cutConnect(bytes: number): Buffer {
  const whole = connectPacket({ clientId: 'cut', will: { topic: 'w', payload: 'p' }, userName: 'u', password: 'p' })
  return packet('CONNECT', 0, whole.subarray(2, 2 + bytes))
}

describe('CONNECT', () => {
  test.each([
    ['MQTT 3.1.1', { protocolLevel: 4 }],
    ['MQTT 3.1', { protocolLevel: 3 }],
    ['MQTT 3.1.1 from a Mosquitto bridge', { protocolLevel: 0x84 }],
    ['MQTT 3.1 from a Mosquitto bridge', { protocolLevel: 0x83, protocolName: 'MQIsdp' }],
  ])('of %s is accepted, and the client is served [MQTT-3.1.2-2]', async (_version, fields) => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    const connack = await client.connect({ ...fields, clientId: 'c' })
    expect(connack).toMatchObject({ bytes: packet('CONNACK', 0, Buffer.from([0, 0])) })
    await client.subscribe(['t', 0])
    // A bridge gets nothing back that it has published itself.
    await publish(await join(port, 'other'), message('t', 'hello'))
    expect(await takePayloads(client)).toEqual(['hello'])
  })

  test.each([
    ['level 0', 'MQTT', 0],
    ['level 3 under the name of 3.1.1', 'MQTT', 3],
    ['level 4 under the name of 3.1', 'MQIsdp', 4],
    ['level 6', 'MQTT', 6],
    ['level 127', 'MQTT', 127],
  ])('at %s is refused with return code 1, then closed [MQTT-3.1.2-2]', async (_what, protocolName, protocolLevel) => {
    const { log, port } = await startHub()
    const client = await openRawClient(port)
    const connack = await client.connect({ protocolName, protocolLevel, clientId: 'c' })
    expect(connack.bytes).toEqual(packet('CONNACK', 0, Buffer.from([0, 1])))
    await client.untilClosed()
    await untilReason(log, /CONNECT refused: protocol level/)
  })

  const malformed: readonly (readonly [string, Buffer, RegExp])[] = [
    ['another protocol name [MQTT-3.1.2-1]', connectPacket({ protocolName: 'MQTt' }), /protocol name is "MQTt"/],
    ['a protocol name of AMQP', Buffer.from('100c0004414d5150040200000000', 'hex'), /protocol name is "AMQP"/],
    ['the reserved flag [MQTT-3.1.2-3]', connectPacket({ connectFlags: 3 }), /reserved connect flag/],
    ['a will QoS without a will [MQTT-3.1.2-13]', connectPacket({ connectFlags: 2 | 8 }), /will QoS is set without/],
    ['a will retain without a will [MQTT-3.1.2-15]', connectPacket({ connectFlags: 2 | 32 }), /will retain is set/],
    ['will QoS 3 [MQTT-3.1.2-14]', connectPacket({ will: { topic: 'w', qos: 3 } }), /will QoS is 3/],
    ['a password without a user name [MQTT-3.1.2-22]', connectPacket({ password: 'p' }), /password .* without a user/],
    ['a will flag without a will [MQTT-3.1.2-9]', connectPacket({ connectFlags: 2 | 4 }), /ends inside will topic/],
    ['a user name flag without one [MQTT-3.1.2-19]', connectPacket({ connectFlags: 2 | 128 }), /inside user name/],
    [
      'a password flag without one [MQTT-3.1.2-21]',
      connectPacket({ connectFlags: 2 | 128 | 64, trailer: field('u') }),
      /ends inside password/,
    ],
    ['a user name without its flag [MQTT-3.1.2-18]', connectPacket({ trailer: field('u') }), /bytes too many/],
    [
      'a password without its flag [MQTT-3.1.2-20]',
      connectPacket({ userName: 'u', trailer: field('p') }),
      /bytes too many/,
    ],
    ['a will without its flag [MQTT-3.1.2-11]', connectPacket({ trailer: field('w') }), /bytes too many/],
    ['a client id that is not UTF-8 [MQTT-3.1.3-4]', connectPacket({ clientId: NOT_UTF8 }), /client identifier is not/],
    ['a client id with NUL [MQTT-1.5.3-2]', connectPacket({ clientId: 'a\0b' }), /client identifier is not/],
    ['a user name that is not UTF-8 [MQTT-3.1.3-11]', connectPacket({ userName: NOT_UTF8 }), /user name is not valid/],
    [
      'a will topic that is not UTF-8 [MQTT-3.1.3-10]',
      connectPacket({ will: { topic: NOT_UTF8 } }),
      /will topic is not/,
    ],
    ['a will topic with a wildcard [MQTT-3.3.2-2]', connectPacket({ will: { topic: 'a/#' } }), /will topic is not/],
    ['an empty will topic [MQTT-4.7.3-1]', connectPacket({ will: { topic: '' } }), /will topic is not valid/],
  ]
  test.each(malformed)('with %s closes the connection without an answer', async (_what, bytes, reason) => {
    const { log, port } = await startHub()
    const client = await openRawClient(port)
    client.send(bytes)
    await client.untilClosed()
    expect(client.received).toEqual([])
    await untilReason(log, reason)
  })

  test('cut short anywhere closes the connection [MQTT-3.1.4-1]', async () => {
    const { port } = await startHub()
    const whole = connectPacket({ clientId: 'cut', will: { topic: 'w', payload: 'p' }, userName: 'u', password: 'p' })
    const bodyBytes = whole.length - 2
    for (let bytes = 0; bytes < bodyBytes; bytes++) {
      const client = await openRawClient(port)
      client.send(cutConnect(bytes))
      await client.untilClosed()
      expect(client.received).toEqual([])
    }
    const client = await openRawClient(port)
    client.send(cutConnect(bodyBytes))
    expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0 })
  })

  test('a second time ends the client, publishes its will, and answers nothing [MQTT-3.1.0-2]', async () => {
    const { port } = await startHub()
    const watcher = await connectRawClient(port)
    await watcher.subscribe(['w', 0])
    const client = await openRawClient(port)
    client.send(
      connectPacket({ clientId: 'c', will: { topic: 'w', payload: 'gone' } }),
      connectPacket({ clientId: 'c' }),
    )
    await client.untilClosed()
    expect(client.received.map(({ type }) => type)).toEqual(['CONNACK'])
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('with user name and password, an empty one of each too, is accepted', async () => {
    const { port } = await startHub()
    for (const fields of [
      { userName: 'u' },
      { userName: 'u', password: Buffer.from([0, 255]) },
      { userName: '', password: '' },
    ]) {
      const client = await openRawClient(port)
      expect(await client.connect({ ...fields, clientId: 'c' })).toMatchObject({ reasonCode: 0 })
    }
  })

  test('over the limit of connections is refused with return code 3', async () => {
    const { log, port } = await startHub({ config: { limits: { maxConnections: 1 } } })
    const first = await join(port, 'first')
    const second = await openRawClient(port)
    expect(await second.connect({ clientId: 'second' })).toMatchObject({ reasonCode: 3, isSessionPresent: false })
    await second.untilClosed()
    await untilReason(log, /too many connections/)
    expect(await first.restBeforePingresp()).toEqual([])
  })

  test('has its CONNACK sent before anything else, and then all that was pipelined behind it [MQTT-3.2.0-1]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    client.send(
      connectPacket({ clientId: 'c', will: { topic: 't', payload: 'will' } }),
      subscribePacket(7, [['t', 1]]),
      publishPacket({ topic: 't', payload: 'mine', qos: 1, packetId: 3 }),
      message('t', 'mine too'),
      DISCONNECT,
    )
    await client.untilClosed()
    expect(client.received.slice(0, 2)).toMatchObject([
      { type: 'CONNACK', reasonCode: 0 },
      { type: 'SUBACK', packetId: 7, codes: [1] },
    ])
    expect(
      client.received
        .slice(2)
        .filter(isPublish)
        .map(({ payload }) => payload.toString()),
    ).toEqual(['mine', 'mine too'])
    expect(client.received.filter(({ type }) => type === 'PUBACK')).toMatchObject([{ packetId: 3 }])
  })

  test.each(['end', 'destroy'] as const)(
    'and a PUBLISH are heard though the socket is gone behind them: %s',
    async (how) => {
      const { port } = await startHub()
      const watcher = await connectRawClient(port)
      await watcher.subscribe(['t', 1])
      const client = await openRawClient(port)
      client.send(
        connectPacket({ clientId: 'c' }),
        subscribePacket(1, [['x', 0]]),
        publishPacket({ topic: 't', payload: 'last word', qos: 1 }),
        DISCONNECT,
      )
      if (how === 'end') client.end()
      // A destroy of a socket that has unread bytes would reset the connection, so the hub has answered once.
      else void client.next('CONNACK').then(() => client.destroy())
      expect((await watcher.next('PUBLISH')).payload.toString()).toBe('last word')
    },
  )
})

describe('Client identifiers', () => {
  test('are assigned, each its own, where a clean session names none [MQTT-3.1.3-6]', async () => {
    const { log, port } = await startHub()
    const [a, b] = [await connectRawClient(port, { clientId: '' }), await connectRawClient(port, { clientId: '' })]
    expect(await a.restBeforePingresp()).toEqual([])
    expect(await b.restBeforePingresp()).toEqual([])
    const ids = log.lines.items.flatMap(({ text, fields }) => (text === 'client connected' ? [fields['clientId']] : []))
    expect(new Set(ids).size).toBe(2)
    expect(ids).not.toContain('')
  })

  test.each([
    ['with a kept session [MQTT-3.1.3-8]', { isClean: false }],
    ['in MQTT 3.1, which knows none', { protocolLevel: 3 }],
  ])('that are empty %s are refused with return code 2', async (_what, fields) => {
    const { log, port } = await startHub()
    const client = await openRawClient(port)
    expect(await client.connect({ ...fields, clientId: '' })).toMatchObject({ reasonCode: 2, isSessionPresent: false })
    await client.untilClosed()
    await untilReason(log, /client identifier is empty/)
  })

  test.each([
    ['the characters of the standard', 'ABCXYZabcxyz0123456789', 4],
    ['23 bytes', 'x'.repeat(23), 3],
    ['more than 23 bytes', 'x'.repeat(1000), 3],
    ['60,000 bytes', 'x'.repeat(60_000), 4],
    ['other characters', 'Дом/🙂 +#$', 4],
  ])('of %s are accepted [MQTT-3.1.3-5]', async (_what, clientId, protocolLevel) => {
    const { port } = await startHub()
    const client = await openRawClient(port)
    expect(await client.connect({ clientId, protocolLevel })).toMatchObject({ reasonCode: 0 })
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test('tell clients apart by every character', async () => {
    const { port } = await startHub()
    const lower = await join(port, 'a')
    const upper = await join(port, 'A')
    expect(await lower.restBeforePingresp()).toEqual([])
    expect(await upper.restBeforePingresp()).toEqual([])
  })

  test('belong to the newest connection: the older one is ended [MQTT-3.1.4-2]', async () => {
    const { log, port } = await startHub()
    const bystander = await Bystander.join(port)
    const older = await join(port, 'c')
    await older.subscribe(['t', 0])
    const newer = await join(port, 'c')
    await older.untilClosed()
    await untilReason(log, /another connection took over/)
    // The clean session of the older one has ended with it.
    expect(await publish(newer, message('t', 'for nobody'))).toEqual([])
    await bystander.expectUntouched()
  })

  test('may be taken over again and again in one turn; the last connection stays', async () => {
    const { port } = await startHub()
    const clients = await Promise.all(Array.from({ length: 20 }, async () => openRawClient(port)))
    for (const client of clients) client.send(connectPacket({ clientId: 'c', isClean: false }))
    await Promise.all(clients.map(async (client) => client.next('CONNACK')))
    const newest = await join(port, 'c', { isClean: false })
    await Promise.all(clients.map(async (client) => client.untilClosed()))
    await newest.subscribe(['t', 0])
    expect(payloadsOf(await publish(newest, message('t', 'once')))).toEqual(['once'])
  })
})

describe('Session Present', () => {
  test('is 0 in a first CONNACK and 1 when a kept session is resumed, one without subscriptions too [MQTT-3.2.2-2]', async () => {
    const { log, port } = await startHub()
    const first = await openRawClient(port)
    expect((await first.connect(KEPT)).bytes).toEqual(packet('CONNACK', 0, Buffer.from([0, 0])))
    await leave(first)
    const second = await openRawClient(port)
    expect((await second.connect(KEPT)).bytes).toEqual(packet('CONNACK', 0, Buffer.from([1, 0])))
    await lose(log, second)
    const third = await openRawClient(port)
    expect((await third.connect(KEPT)).bytes).toEqual(packet('CONNACK', 0, Buffer.from([1, 0])))
  })

  test('is 0 for a clean session, which discards a kept one for good [MQTT-3.2.2-1] [MQTT-3.1.2-6]', async () => {
    const { port } = await startHub()
    const kept = await connectRawClient(port, KEPT)
    await kept.subscribe(['t', 1])
    await leave(kept)
    const clean = await openRawClient(port)
    expect(await clean.connect({ ...KEPT, isClean: true })).toMatchObject({ isSessionPresent: false })
    expect(await publish(clean, message('t', 'for nobody'))).toEqual([])
    await leave(clean)
    const again = await openRawClient(port)
    expect(await again.connect(KEPT)).toMatchObject({ isSessionPresent: false })
    expect(await publish(again, message('t', 'for nobody'))).toEqual([])
  })

  test('is 0 in MQTT 3.1, where its bit is reserved, though the session is resumed', async () => {
    const { port } = await startHub()
    const fields = { ...KEPT, protocolLevel: 3 }
    const first = await connectRawClient(port, fields)
    await first.subscribe(['t', 0])
    await leave(first)
    const second = await openRawClient(port)
    expect((await second.connect(fields)).bytes).toEqual(packet('CONNACK', 0, Buffer.from([0, 0])))
    expect(payloadsOf(await publish(second, message('t', 'still subscribed')))).toEqual(['still subscribed'])
  })

  test('is 1 when the older connection of a kept session is still open [MQTT-3.1.2-4]', async () => {
    const { port } = await startHub()
    const older = await connectRawClient(port, KEPT)
    await older.subscribe(['t', 0])
    const newer = await openRawClient(port)
    expect(await newer.connect(KEPT)).toMatchObject({ isSessionPresent: true })
    await older.untilClosed()
    expect(payloadsOf(await publish(newer, message('t', 'resumed')))).toEqual(['resumed'])
  })
})

test('Hub tells nothing of clients where the log does not, and knows the address of each from its first moment for what befalls it', async () => {
  const { log, port } = await startHub()
  const asked = vi.spyOn(TcpTransport.prototype, 'remoteHost', 'get')
  onTestFinished(() => asked.mockRestore())
  Object.assign(log, { isTold: (level: string) => level !== 'info' })
  const silent = await openRawClient(port)
  await vi.waitUntil(() => asked.mock.calls.length > 0)
  await silent.connect({ clientId: 'untold' })
  await leave(silent)
  Object.assign(log, { isTold: () => true })
  await leave(await join(port, 'told'))
  const connected = log.lines.items.filter(({ text }) => text === 'client connected')
  expect(connected.map(({ fields }) => fields['clientId'])).toEqual(['told'])
})
