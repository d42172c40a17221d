import { describe, expect, test } from 'vitest'
import { endingOf, join5, KEPT, message5 } from './steps5.ts'
import { disconnectPacket, packet, publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { publish, takePayloads, untilReason } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const WILL = { will: { topic: 'will', payload: 'gone' } } as const

describe('DISCONNECT from a client', () => {
  test.each([
    ['without a reason code', disconnectPacket()],
    ['with 0x00', disconnectPacket(0)],
    ['with 0x00 and properties', disconnectPacket(0, [[Id.REASON_STRING, 'done']])],
  ])('%s ends the connection and its will [MQTT-3.14.4-3] [MQTT-3.1.2-10]', async (_what, bytes) => {
    const { port } = await startHub()
    const watcher = await join5(port, 'watcher')
    await watcher.subscribe(['will', 0])
    const client = await join5(port, 'c', WILL)
    client.send(bytes)
    await client.untilClosed()
    client.expectNothingLeft()
    expect(await takePayloads(watcher)).toEqual([])
  })

  test.each([0x04, 0x80, 0x97])('with reason code %i has its will published [MQTT-3.1.2-8]', async (reasonCode) => {
    const { port } = await startHub()
    const watcher = await join5(port, 'watcher')
    await watcher.subscribe(['will', 0])
    const client = await join5(port, 'c', WILL)
    client.send(disconnectPacket(reasonCode))
    await client.untilClosed()
    expect((await watcher.next('PUBLISH')).payload.toString()).toBe('gone')
  })

  test('with reserved flags is malformed [MQTT-3.14.1-1]', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, disconnectPacket(0, [], 1))).toBe(0x81)
  })

  test('with a Session Expiry Interval where the CONNECT had none is a protocol error', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, disconnectPacket(0, [[Id.SESSION_EXPIRY, 100]]))).toBe(0x82)
  })

  test('is the last that is read of it: nothing behind it is processed', async () => {
    const { port } = await startHub()
    const watcher = await join5(port, 'watcher')
    await watcher.subscribe(['t', 0])
    const client = await join5(port, 'c')
    client.send(disconnectPacket(), message5('t', 'too late'))
    await client.untilClosed()
    expect(await takePayloads(watcher)).toEqual([])
  })
})

describe('DISCONNECT from the hub', () => {
  test('is the last packet and ends the connection, whatever was pipelined [MQTT-3.14.4-1] [MQTT-3.14.4-2] [MQTT-4.13.1-1] [MQTT-4.13.2-1]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 0])
    const watcher = await join5(port, 'watcher')
    await watcher.subscribe(['t', 0])
    client.send(message5('a/#'), message5('t', 'too late'), publishPacket({ topic: 't', qos: 1, properties: [] }))
    // Fails when anything follows the DISCONNECT.
    expect(await client.untilDisconnected()).toBe(0x90)
    expect(await takePayloads(watcher)).toEqual([])
  })

  test('is never sent before a CONNACK that accepts [MQTT-3.14.0-1]', async () => {
    const { log, port } = await startHub({ config: { limits: { connectTimeoutSeconds: 0.05 } } })
    const strangers = await Promise.all([openRawClient(port, 5), openRawClient(port, 5), openRawClient(port, 5)])
    strangers[0].send(message5('t'))
    strangers[1].send(packet('CONNECT', 0, Buffer.from([0, 4, 0x4d])))
    for (const stranger of strangers) {
      await stranger.untilClosed()
      expect(stranger.received.filter(({ type }) => type === 'DISCONNECT')).toEqual([])
    }
    await untilReason(log, /./)
  })

  test('has a reason code of its table, and no Session Expiry Interval [MQTT-3.14.2-1] [MQTT-3.14.2-2]', async () => {
    const { port } = await startHub()
    const older = await join5(port, 'c', KEPT)
    await join5(port, 'c', KEPT)
    // The client fails on any other reason code or property.
    expect((await older.next('DISCONNECT')).properties.map(([id]) => id)).not.toContain(Id.SESSION_EXPIRY)
    const offender = await join5(port, 'offender', KEPT)
    offender.send(message5('a/#'))
    expect((await offender.next('DISCONNECT')).properties.map(([id]) => id)).not.toContain(Id.SESSION_EXPIRY)
  })

  test('tells each client with 0x8B that the hub is stopping', async () => {
    const { hub, port } = await startHub()
    const clients = [await join5(port, 'a'), await join5(port, 'b')]
    const stopping = hub.stop()
    for (const client of clients) expect(await client.untilDisconnected()).toBe(0x8b)
    await stopping
  })

  const faults: readonly (readonly [what: string, bytes: Buffer, codes: readonly number[]])[] = [
    ['a packet of type 0', packet(0, 0, Buffer.alloc(0)), [0x81, 0x82]],
    ['a CONNACK', packet('CONNACK', 0, Buffer.from([0, 0, 0])), [0x81, 0x82]],
    ['a SUBACK', packet('SUBACK', 0, Buffer.from([0, 1, 0, 0])), [0x81, 0x82]],
    ['a PINGRESP', packet('PINGRESP', 0, Buffer.alloc(0)), [0x81, 0x82]],
    ['a PINGREQ with flags [MQTT-2.1.3-1]', packet('PINGREQ', 1, Buffer.alloc(0)), [0x81]],
    ['a PINGREQ with a body', packet('PINGREQ', 0, Buffer.from([0])), [0x81]],
    ['a PUBACK with flags [MQTT-2.1.3-1]', packet('PUBACK', 1, Buffer.from([0, 1])), [0x81]],
    ['a PUBREC with flags [MQTT-2.1.3-1]', packet('PUBREC', 2, Buffer.from([0, 1])), [0x81]],
    ['a PUBCOMP with flags [MQTT-2.1.3-1]', packet('PUBCOMP', 2, Buffer.from([0, 1])), [0x81]],
    ['a PUBACK of one byte', packet('PUBACK', 0, Buffer.from([0])), [0x81]],
    ['a PUBACK with packet identifier 0', packet('PUBACK', 0, Buffer.from([0, 0])), [0x81, 0x82]],
    ['a remaining length that is not as short as can be [MQTT-1.5.5-1]', Buffer.from([0xc0, 0x80, 0]), [0x81]],
    ['a PUBLISH with such a length', Buffer.from([0x30, 0x84, 0x80, 0, 0, 1, 0x74, 0]), [0x81]],
    [
      'a PUBLISH with such a length behind one that is like it',
      Buffer.concat([message5('t'), Buffer.from([0x30, 0x84, 0, 0, 1, 0x74, 0])]),
      [0x81],
    ],
    ['a remaining length of five bytes [MQTT-1.5.5-1]', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]), [0x81]],
  ]
  test.each(faults)('answers %s, then the connection is closed [MQTT-4.13.1-1]', async (_what, bytes, codes) => {
    const { port } = await startHub()
    expect(codes).toContain(await endingOf(port, bytes))
  })

  test('does not come to a client that does all right: every packet it may send', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    expect(await publish(client, message5('t', 'x'))).toEqual([])
    expect(client.isClosed).toBe(false)
  })
})
