import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { packet } from './packets.ts'
import { acknowledgePacket5, authPacket5, connectPacket5, disconnectPacket5, publishPacket5 } from './packets5.ts'
import { Id, propertyBlock } from './properties5.ts'
import { openRawClient5 } from './raw-client5.ts'
import { PacketCutter5, valueOf, valuesOf } from './received-packet5.ts'

function parseAll(...packets: readonly Buffer[]): ReturnType<PacketCutter5['push']> {
  return new PacketCutter5().push(Buffer.concat(packets))
}

describe('Builders of MQTT 5 packets', () => {
  test('write a CONNECT byte for byte as the standard has it', () => {
    const bytes = connectPacket5({
      clientId: 'c',
      keepAliveSeconds: 10,
      properties: [
        [Id.SESSION_EXPIRY, 10],
        [Id.USER_PROPERTY, ['a', 'b']],
      ],
      will: { topic: 'w', payload: 'x', qos: 1, retain: true, properties: [[Id.WILL_DELAY, 1]] },
      userName: 'u',
      password: 'p',
    })
    const hex = [
      '10 2c 0004 4d515454 05 ee 000a', // QoS 1, retain, will, clean start, user name, password
      '0c 11 0000000a 26 0001 61 0001 62 0001 63',
      '05 18 00000001 0001 77 0001 78 0001 75 0001 70',
    ]
    expect(bytes.toString('hex')).toBe(hex.join('').replaceAll(' ', ''))
  })

  test('write what no client should send', () => {
    expect(propertyBlock([[0x7f, Buffer.from([1, 2])]]).toString('hex')).toBe('037f0102')
    expect(propertyBlock(Buffer.from([9])).toString('hex')).toBe('09')
    const twice = propertyBlock([
      [Id.TOPIC_ALIAS, 0],
      [Id.TOPIC_ALIAS, 0xffff],
    ])
    expect(twice.toString('hex')).toBe('0623000023ffff')
  })
})

describe('PacketCutter5', () => {
  test('cuts a stream into packets wherever its chunks end', () => {
    const stream = Buffer.concat([
      publishPacket5({
        topic: 'é',
        payload: Buffer.alloc(200, 'x'),
        qos: 2,
        packetId: 513,
        properties: [
          [Id.SUBSCRIPTION_IDENTIFIER, 300],
          [Id.SUBSCRIPTION_IDENTIFIER, 1],
          [Id.CORRELATION_DATA, Buffer.from([0, 1])],
          [Id.USER_PROPERTY, ['a', 'b']],
        ],
      }),
      acknowledgePacket5('PUBACK', 7),
      acknowledgePacket5('PUBREC', 7, 0x10),
      disconnectPacket5(0x8e, [[Id.REASON_STRING, 'why']]),
      authPacket5(),
    ])
    for (let cut = 0; cut <= stream.length; cut++) {
      const cutter = new PacketCutter5()
      const packets = [...cutter.push(stream.subarray(0, cut)), ...cutter.push(stream.subarray(cut))]
      expect(packets).toMatchObject([
        { type: 'PUBLISH', topic: 'é', payload: Buffer.alloc(200, 'x'), qos: 2, packetId: 513 },
        { type: 'PUBACK', packetId: 7, reasonCode: 0, lengthBytes: 4 },
        { type: 'PUBREC', packetId: 7, reasonCode: 0x10, lengthBytes: 5 },
        { type: 'DISCONNECT', reasonCode: 0x8e, properties: [[Id.REASON_STRING, 'why']] },
        { type: 'AUTH', reasonCode: 0 },
      ])
      const [publish] = packets
      if (publish?.type !== 'PUBLISH') throw new Error('the first packet is no PUBLISH')
      expect(valuesOf(publish, Id.SUBSCRIPTION_IDENTIFIER)).toEqual([300, 1])
      expect(valueOf(publish, Id.CORRELATION_DATA)).toEqual(Buffer.from([0, 1]))
      expect(valueOf(publish, Id.USER_PROPERTY)).toEqual(['a', 'b'])
      expect(valueOf(publish, Id.TOPIC_ALIAS)).toBe(undefined)
    }
  })

  const faults: readonly (readonly [string, Buffer, RegExp])[] = [
    ['a packet of a client', connectPacket5(), /sent CONNECT, which a server may not/],
    ['reserved flags', packet('PINGRESP', 1, Buffer.alloc(0)), /PINGRESP with flags 1/],
    ['a reason code of another packet', disconnectPacket5(0x92), /DISCONNECT with reason code 0x92/],
    ['a property of another packet', disconnectPacket5(0, [[Id.SESSION_EXPIRY, 1]]), /property 0x11 in DISCONNECT/],
    ['a property of a client', publishPacket5({ topic: 't', properties: [[Id.WILL_DELAY, 1]] }), /property 0x18/],
    [
      'a property twice',
      disconnectPacket5(0, [
        [Id.REASON_STRING, 'a'],
        [Id.REASON_STRING, 'b'],
      ]),
      /0x1f twice/,
    ],
    ['a packet that ends early', packet('PUBACK', 0, Buffer.from([0])), /ends early/],
    ['bytes too many', packet('PINGRESP', 0, Buffer.from([0])), /bytes too many/],
    ['the packet identifier 0', acknowledgePacket5('PUBACK', 0), /identifier 0/],
    ['a length that is too long', Buffer.from([0xd0, 0x80, 0x00]), /longer than need be/],
    ['a length without end', Buffer.from([0xd0, 0xff, 0xff, 0xff, 0xff]), /more than four bytes/],
    ['a session of who is refused', packet('CONNACK', 0, Buffer.from([1, 0x80, 0])), /refused .* session present/],
    ['a topic that is not UTF-8', publishPacket5({ topic: Buffer.from([0xff]) }), /not valid/],
  ]
  test.each(faults)('refuses %s', (_fault, bytes, message) => {
    expect(() => parseAll(bytes)).toThrow(message)
  })
})

test('RawClient5 fails who waits for a packet that never comes, and says why', async () => {
  const server = createServer((socket) => socket.end(packet('PINGRESP', 1, Buffer.alloc(0))))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const client = await openRawClient5(address.port)
  await expect(client.next('PINGRESP')).rejects.toThrow('the hub sent PINGRESP with flags 1')
})
