import { describe, expect, test } from 'vitest'
import { field, uint16 } from '../support/bytes.ts'
import {
  acknowledgePacket,
  connectPacket,
  packet,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { connectRawClient, openRawClient } from '../support/raw-client.ts'
import { Bystander, join, message, publish, reasonsOf, untilReason } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const EMPTY = Buffer.alloc(0)
const OVERLONG_SLASH = Buffer.from([0x61, 0xc0, 0xaf])
const SURROGATE = Buffer.from([0x61, 0xed, 0xa0, 0x80])
const WITH_NUL = Buffer.from([0x61, 0x00, 0x62])

/** What a client may not send, the clause that says so, and what the log has to say about it. */
type Case = readonly [what: string, bytes: Buffer, reason: RegExp]

const AFTER_CONNECT: readonly Case[] = [
  ['a packet of type 0 [MQTT-2.2.1]', packet(0, 0, EMPTY), /may not send reserved packet type 0/],
  ['a packet of type 15 [MQTT-2.2.1]', packet('AUTH', 0, EMPTY), /may not send AUTH/],
  ['CONNACK [MQTT-2.2.1]', packet('CONNACK', 0, uint16(0)), /may not send CONNACK/],
  ['SUBACK [MQTT-2.2.1]', packet('SUBACK', 0, Buffer.from([0, 1, 0])), /may not send SUBACK/],
  ['UNSUBACK [MQTT-2.2.1]', packet('UNSUBACK', 0, uint16(1)), /may not send UNSUBACK/],
  ['PINGRESP [MQTT-2.2.1]', packet('PINGRESP', 0, EMPTY), /may not send PINGRESP/],
  ['PUBACK with flags [MQTT-2.2.2-2]', packet('PUBACK', 1, uint16(1)), /flags of PUBACK are 1/],
  ['PUBREC with flags [MQTT-2.2.2-2]', packet('PUBREC', 2, uint16(1)), /flags of PUBREC are 2/],
  ['PUBREL without its flag [MQTT-3.6.1-1]', packet('PUBREL', 0, uint16(1)), /flags of PUBREL are 0/],
  ['PUBCOMP with flags [MQTT-2.2.2-2]', packet('PUBCOMP', 8, uint16(1)), /flags of PUBCOMP are 8/],
  [
    'SUBSCRIBE without its flag [MQTT-3.8.1-1]',
    subscribePacket(1, [['a', 0]], undefined, 0),
    /flags of SUBSCRIBE are 0/,
  ],
  [
    'UNSUBSCRIBE without its flag [MQTT-3.10.1-1]',
    unsubscribePacket(1, ['a'], undefined, 0),
    /flags of UNSUBSCRIBE are 0/,
  ],
  ['PINGREQ with flags [MQTT-2.2.2-2]', packet('PINGREQ', 4, EMPTY), /flags of PINGREQ are 4/],
  ['DISCONNECT with flags [MQTT-3.14.1-1]', packet('DISCONNECT', 1, EMPTY), /flags of DISCONNECT are 1/],
  ['CONNECT with flags [MQTT-2.2.2-2]', connectPacket({ flags: 1 }), /flags of CONNECT are 1/],
  ['PINGREQ with a body', packet('PINGREQ', 0, uint16(1)), /PINGREQ has a body/],
  ['DISCONNECT with a body', packet('DISCONNECT', 0, uint16(1)), /DISCONNECT has 2 bytes too many/],
  ['PUBLISH at QoS 3 [MQTT-3.3.1-4]', publishPacket({ topic: 'a', qos: 3 }), /QoS 3/],
  [
    'PUBREL with DUP, which only MQTT 3.1 has [MQTT-3.6.1-1]',
    packet('PUBREL', 10, uint16(1)),
    /flags of PUBREL are 10/,
  ],
  [
    'QoS 1 with packet id 0 [MQTT-2.3.1-1]',
    publishPacket({ topic: 'a', qos: 1, packetId: 0 }),
    /PUBLISH with packet id/,
  ],
  [
    'QoS 2 with packet id 0 [MQTT-2.3.1-1]',
    publishPacket({ topic: 'a', qos: 2, packetId: 0 }),
    /PUBLISH with packet id/,
  ],
  ['SUBSCRIBE with packet id 0 [MQTT-2.3.1-1]', subscribePacket(0, [['a', 0]]), /packet identifier is 0/],
  ['UNSUBSCRIBE with packet id 0 [MQTT-2.3.1-1]', unsubscribePacket(0, ['a']), /packet identifier is 0/],
  ['PUBACK with packet id 0', acknowledgePacket('PUBACK', 0), /PUBACK with packet identifier 0/],
  ['PUBREC with packet id 0', acknowledgePacket('PUBREC', 0), /PUBREC with packet identifier 0/],
  ['PUBREL with packet id 0', acknowledgePacket('PUBREL', 0), /PUBREL with packet identifier 0/],
  ['PUBCOMP with packet id 0', acknowledgePacket('PUBCOMP', 0), /PUBCOMP with packet identifier 0/],
  ['PUBACK of three bytes', packet('PUBACK', 0, Buffer.from([0, 1, 2])), /PUBACK is not two bytes/],
  ['PUBREL of one byte', packet('PUBREL', 2, Buffer.from([1])), /PUBREL is not two bytes/],
  ['PUBLISH without a body', packet('PUBLISH', 0, EMPTY), /ends inside its header/],
  ['PUBLISH with half a topic length', packet('PUBLISH', 0, Buffer.from([0])), /ends inside its header/],
  ['PUBLISH with a topic past its end', packet('PUBLISH', 0, Buffer.from([0, 9, 0x61])), /ends inside its header/],
  ['QoS 1 without a packet id', packet('PUBLISH', 2, field('a')), /ends inside its header/],
  [
    'QoS 2 with half a packet id',
    packet('PUBLISH', 4, Buffer.concat([field('a'), EMPTY, Buffer.from([1])])),
    /ends inside/,
  ],
  ['an empty topic [MQTT-4.7.3-1]', publishPacket({ topic: '' }), /topic name "" .*at least one character/],
  [
    'a topic with "+" [MQTT-3.3.2-2] [MQTT-4.7.1-1]',
    publishPacket({ topic: 'a/+' }),
    /topic name "a\/\+" .*must not contain/,
  ],
  ['a topic with "#" [MQTT-3.3.2-2]', publishPacket({ topic: '#', qos: 1 }), /topic name "#" .*must not contain/],
  ['a topic with NUL [MQTT-1.5.3-2]', publishPacket({ topic: WITH_NUL }), /UTF-8 without U\+0000/],
  ['a topic with an overlong form [MQTT-1.5.3-1]', publishPacket({ topic: OVERLONG_SLASH }), /must be UTF-8/],
  ['a topic with a surrogate [MQTT-1.5.3-1]', publishPacket({ topic: SURROGATE, qos: 2 }), /must be UTF-8/],
  ['SUBSCRIBE without a filter [MQTT-3.8.3-3]', subscribePacket(1, []), /no topic filter/],
  ['SUBSCRIBE without a body', packet('SUBSCRIBE', 2, EMPTY), /ends inside packet identifier/],
  [
    'SUBSCRIBE that ends before its QoS',
    packet('SUBSCRIBE', 2, Buffer.concat([uint16(1), field('a')])),
    /ends inside subscription options/,
  ],
  ['SUBSCRIBE at QoS 3 [MQTT-3.8.3-4]', subscribePacket(1, [['a', 3]]), /requested QoS byte is 3/],
  ['SUBSCRIBE with reserved bits by its QoS [MQTT-3.8.3-4]', subscribePacket(1, [['a', 4]]), /requested QoS byte is 4/],
  [
    'SUBSCRIBE that is bad in its second filter',
    subscribePacket(1, [
      ['a', 0],
      ['b#', 0],
    ]),
    /"b#" is not valid/,
  ],
  ['an empty filter [MQTT-4.7.3-1]', subscribePacket(1, [['', 0]]), /topic|filter/i],
  ['the filter "a+" [MQTT-4.7.1-3]', subscribePacket(1, [['a+', 0]]), /'\+'|"a\+"/],
  ['the filter "+a" [MQTT-4.7.1-3]', subscribePacket(1, [['+a/b', 0]]), /"\+a\/b" is not valid/],
  ['the filter "a#" [MQTT-4.7.1-2]', subscribePacket(1, [['x/a#', 0]]), /"x\/a#" is not valid/],
  ['the filter "#/a" [MQTT-4.7.1-2]', subscribePacket(1, [['#/a', 0]]), /#/],
  ['a filter with NUL [MQTT-1.5.3-2]', subscribePacket(1, [[WITH_NUL, 0]]), /topic filter is not valid UTF-8/],
  [
    'a filter that is not UTF-8 [MQTT-1.5.3-1]',
    subscribePacket(1, [[SURROGATE, 0]]),
    /topic filter is not valid UTF-8/,
  ],
  ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', unsubscribePacket(1, []), /no topic filter/],
  ['UNSUBSCRIBE from an empty filter [MQTT-4.7.3-1]', unsubscribePacket(1, ['']), /topic|filter/i],
  ['UNSUBSCRIBE from what is not UTF-8 [MQTT-3.10.3-1]', unsubscribePacket(1, [OVERLONG_SLASH]), /not valid UTF-8/],
  [
    'UNSUBSCRIBE that ends inside a filter',
    packet('UNSUBSCRIBE', 2, Buffer.from([0, 1, 0, 9, 0x61])),
    /ends inside topic filter/,
  ],
  [
    'a remaining length of five bytes [MQTT-2.2.3]',
    Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
    /longer than four bytes/,
  ],
  ['a packet over 16 MiB', packet('PUBLISH', 0, EMPTY, 16_777_216), /packet of 16777221 bytes is over the limit/],
  ['a second CONNECT [MQTT-3.1.0-2]', connectPacket({ clientId: 'other' }), /a second CONNECT/],
]

const BEFORE_CONNECT: readonly Case[] = [
  ['PUBLISH first [MQTT-3.1.0-1]', message('bystander', 'x'), /first packet is PUBLISH, not CONNECT/],
  ['SUBSCRIBE first [MQTT-3.1.0-1]', subscribePacket(1, [['#', 0]]), /first packet is SUBSCRIBE, not CONNECT/],
  ['PINGREQ first [MQTT-3.1.0-1]', packet('PINGREQ', 0, EMPTY), /first packet is PINGREQ, not CONNECT/],
  ['DISCONNECT first [MQTT-3.1.0-1]', packet('DISCONNECT', 0, EMPTY), /first packet is DISCONNECT, not CONNECT/],
  ['type 0 first [MQTT-3.1.0-1]', packet(0, 0, EMPTY), /first packet is reserved packet type 0/],
  [
    'an HTTP request',
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost:1883\r\nUser-Agent: a browser\r\nAccept: */*\r\n\r\n'),
    /an HTTP request came to the port for MQTT/,
  ],
  ['a TLS hello', Buffer.from('160301020001000001fc0303', 'hex'), /a TLS handshake came to the port for plain MQTT/],
  ['CONNECT with flags [MQTT-2.2.2-2]', connectPacket({ flags: 2 }), /flags of CONNECT/],
  ['CONNECT without a body', packet('CONNECT', 0, EMPTY), /ends inside protocol name/],
  ['CONNECT over 64 KiB', packet('CONNECT', 0, EMPTY, 65_536), /over the limit of 65536 bytes/],
  [
    'a remaining length of five bytes [MQTT-2.2.3]',
    Buffer.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01]),
    /longer than four bytes/,
  ],
]

describe('Connection', () => {
  test.each(AFTER_CONNECT)('ends for a client that sends %s', async (_what, bytes, reason) => {
    const { log, port } = await startHub()
    const bystander = await Bystander.join(port)
    const culprit = await join(port, 'culprit')
    // What stands behind the fault in the same chunk is not heard any more.
    culprit.send(bytes, message('bystander', 'from behind the fault'))
    await culprit.untilClosed()
    expect(culprit.received.map(({ type }) => type)).toEqual(['CONNACK'])
    await untilReason(log, reason)
    expect(reasonsOf(log)).toHaveLength(1)
    await bystander.expectUntouched()
  })

  test.each(BEFORE_CONNECT)('ends without an answer for a stranger who sends %s', async (_what, bytes, reason) => {
    const { log, port } = await startHub()
    const bystander = await Bystander.join(port)
    const stranger = await openRawClient(port)
    stranger.send(bytes)
    await stranger.untilClosed()
    expect(stranger.received).toEqual([])
    await untilReason(log, reason)
    await bystander.expectUntouched()
  })

  test('says in the log whose bytes were wrong', async () => {
    const { log, port } = await startHub()
    const culprit = await join(port, 'culprit')
    culprit.send(packet(0, 0, EMPTY))
    await culprit.untilClosed()
    const line = await log.lines.firstThat((one) => (one.text === 'connection closed' ? one : undefined))
    expect(line).toMatchObject({ level: 'info', fields: { clientId: 'culprit' } })
    expect(line.fields['address']).toMatch(/^127\.0\.0\.1:\d+$/)
  })

  test('takes a packet of exactly 1 MiB, and a CONNECT of exactly 64 KiB', async () => {
    const { port } = await startHub()
    const short = connectPacket({ clientId: 'c', will: { topic: 'w', payload: Buffer.alloc(60_000) } })
    const will = { topic: 'w', payload: Buffer.alloc(60_000 + 65_536 - short.length) }
    const client = await openRawClient(port)
    expect(connectPacket({ clientId: 'c', will })).toHaveLength(65_536)
    expect(await client.connect({ clientId: 'c', will })).toMatchObject({ reasonCode: 0 })
    await client.subscribe(['a', 0])
    const headerBytes = 1 + 3 + 2 + 1
    const payload = Buffer.alloc(1_048_576 - headerBytes, 'x')
    client.send(publishPacket({ topic: 'a', payload }))
    const got = await client.next('PUBLISH')
    expect(got.payload.equals(payload)).toBe(true)
  })

  test('keeps what came before a fault in the same chunk, and publishes it before the will', async () => {
    const { port } = await startHub()
    const watcher = await join(port, 'watcher')
    await watcher.subscribe(['w', 0])
    for (const fault of [packet(0, 0, EMPTY), Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])]) {
      const culprit = await join(port, 'culprit', { will: { topic: 'w', payload: 'will' } })
      culprit.send(message('w', 'one'), message('w', 'two'), fault)
      await culprit.untilClosed()
      expect((await watcher.next('PUBLISH')).payload.toString()).toBe('one')
      expect((await watcher.next('PUBLISH')).payload.toString()).toBe('two')
      expect((await watcher.next('PUBLISH')).payload.toString()).toBe('will')
    }
  })

  test('forgets half a packet when its client goes', async () => {
    const { log, port } = await startHub()
    const bystander = await Bystander.join(port)
    const culprit = await join(port, 'culprit')
    culprit.send(message('bystander', 'never whole').subarray(0, -1))
    culprit.end()
    await culprit.untilClosed()
    await untilReason(log, /client closed the connection without DISCONNECT/)
    await bystander.expectUntouched()
  })

  test('goes on after acknowledgements of what it never sent: PUBACK and PUBCOMP are ignored', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    expect(await publish(client, acknowledgePacket('PUBACK', 7), acknowledgePacket('PUBCOMP', 8))).toEqual([])
  })

  test('answers PUBREC and PUBREL of unknown packet ids, so that a late client can finish [MQTT-4.3.3-2]', async () => {
    const { port } = await startHub()
    const client = await connectRawClient(port)
    const answers = await publish(client, acknowledgePacket('PUBREC', 9), acknowledgePacket('PUBREL', 10))
    expect(answers).toMatchObject([
      { type: 'PUBREL', packetId: 9, flags: 2 },
      { type: 'PUBCOMP', packetId: 10, flags: 0 },
    ])
  })

  test('does not take a PUBACK for a QoS 2 message, nor a PUBCOMP before the PUBREC, and ends for them', async () => {
    const { hub, port } = await startHub()
    for (const type of ['PUBACK', 'PUBCOMP'] as const) {
      const client = await join(port, 'c', { isClean: false })
      if (type === 'PUBACK') {
        await client.subscribe(['t', 2])
        await hub.publish('t', '', { qos: 2 })
      }
      const { packetId } = await client.next('PUBLISH')
      client.send(acknowledgePacket(type, packetId))
      await client.untilClosed()
      expect(hub.pendingMessages).toBe(1)
      expect(hub.ledger.delivered).toBe(0)
    }
  })

  test('lets go of a stranger who sends no CONNECT in time, half of one included', async () => {
    const { log, port } = await startHub({ config: { limits: { connectTimeoutSeconds: 0.05 } } })
    const bystander = await Bystander.join(port)
    const silent = await openRawClient(port)
    const slow = await openRawClient(port)
    slow.send(connectPacket({ clientId: 'slow' }).subarray(0, 5))
    await Promise.all([silent.untilClosed(), slow.untilClosed()])
    await untilReason(log, /no CONNECT in time/)
    const reason = 'no CONNECT in time (limits.connectTimeoutSeconds)'
    expect(reasonsOf(log)).toEqual([reason, reason])
    await bystander.expectUntouched()
  })

  test('lets 500 strangers stay silent while others connect and talk', async () => {
    const { port } = await startHub({ config: { limits: { connectTimeoutSeconds: 60 } } })
    const bystander = await Bystander.join(port)
    const strangers = await Promise.all(Array.from({ length: 500 }, async () => openRawClient(port)))
    await bystander.expectUntouched()
    const newcomer = await join(port, 'newcomer')
    expect(await newcomer.restBeforePingresp()).toEqual([])
    expect(strangers.filter(({ isClosed }) => isClosed)).toEqual([])
  })
})
