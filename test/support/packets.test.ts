import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { varint } from './bytes.ts'
import {
  acknowledgePacket,
  authPacket,
  connectPacket,
  disconnectPacket,
  packet,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from './packets.ts'
import { Id, propertyBlock } from './properties.ts'
import { openRawClient } from './raw-client.ts'
import { PacketCutter, type ReceivedPacket, type Version, valueOf, valuesOf } from './received-packet.ts'

function parse(bytes: Buffer, version: Version): ReceivedPacket[] {
  return new PacketCutter(version).push(bytes)
}

test('varint writes lengths as the standard lists them [MQTT-3.1.1 table 2.4]', () => {
  const cases = [
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [16_383, 'ff7f'],
    [16_384, '808001'],
    [2_097_151, 'ffff7f'],
    [2_097_152, '80808001'],
    [268_435_455, 'ffffff7f'],
  ] as const
  for (const [value, hex] of cases) expect(varint(value).toString('hex')).toBe(hex)
})

describe('Builders of packets', () => {
  test('write a CONNECT of MQTT 3.1.1 byte for byte as the standard has it', () => {
    const bytes = connectPacket({
      clientId: 'c',
      isClean: false,
      keepAliveSeconds: 10,
      will: { topic: 'w', payload: 'x', qos: 2 },
      userName: 'u',
      password: 'p',
    })
    const hex = '10 19 0004 4d515454 04 d4 000a 0001 63 0001 77 0001 78 0001 75 0001 70'
    expect(bytes.toString('hex')).toBe(hex.replaceAll(' ', ''))
  })

  test('leave the properties out of a packet of MQTT 3.1.1, and write none into one of MQTT 5 that has none', () => {
    const filters = [['f', 1]] as const
    const both = [
      [publishPacket({ topic: 't', qos: 1 }), publishPacket({ topic: 't', qos: 1, properties: [] })],
      [subscribePacket(1, filters), subscribePacket(1, filters, [])],
      [unsubscribePacket(1, ['f']), unsubscribePacket(1, ['f'], [])],
    ]
    expect(both.map((packets) => packets.map((bytes) => bytes.toString('hex')))).toEqual([
      ['32050001740001', '3206000174000100'],
      ['8206000100016601', '820700010000016601'],
      ['a2050001000166', 'a206000100000166'],
    ])
  })

  test('write a CONNECT of MQTT 5 byte for byte as the standard has it', () => {
    const bytes = connectPacket({
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

describe('PacketCutter', () => {
  test('cuts a stream of MQTT 3.1.1 into packets wherever its chunks end', () => {
    const stream = Buffer.concat([
      publishPacket({ topic: 'é', payload: Buffer.alloc(200, 'x'), qos: 2, packetId: 513, retain: true, dup: true }),
      packet('SUBACK', 0, Buffer.from([0, 1, 2, 128])),
    ])
    for (let cut = 0; cut <= stream.length; cut++) {
      const cutter = new PacketCutter(4)
      const packets = [...cutter.push(stream.subarray(0, cut)), ...cutter.push(stream.subarray(cut))]
      expect(packets).toMatchObject([
        {
          type: 'PUBLISH',
          topic: 'é',
          payload: Buffer.alloc(200, 'x'),
          qos: 2,
          packetId: 513,
          retain: true,
          dup: true,
        },
        { type: 'SUBACK', packetId: 1, codes: [2, 128] },
      ])
    }
  })

  test('cuts a stream of MQTT 5 into packets wherever its chunks end', () => {
    const stream = Buffer.concat([
      publishPacket({
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
      acknowledgePacket('PUBACK', 7),
      acknowledgePacket('PUBREC', 7, 0x10),
      disconnectPacket(0x8e, [[Id.REASON_STRING, 'why']]),
      authPacket(),
    ])
    for (let cut = 0; cut <= stream.length; cut++) {
      const cutter = new PacketCutter(5)
      const packets = [...cutter.push(stream.subarray(0, cut)), ...cutter.push(stream.subarray(cut))]
      expect(packets).toMatchObject([
        { type: 'PUBLISH', topic: 'é', payload: Buffer.alloc(200, 'x'), qos: 2, packetId: 513 },
        { type: 'PUBACK', packetId: 7, reasonCode: 0, bytes: acknowledgePacket('PUBACK', 7) },
        { type: 'PUBREC', packetId: 7, reasonCode: 0x10, bytes: acknowledgePacket('PUBREC', 7, 0x10) },
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
    ['a packet of a client', connectPacket({ properties: [] }), /sent CONNECT, which a server may not/],
    ['reserved flags', packet('PINGRESP', 1, Buffer.alloc(0)), /PINGRESP with flags 1/],
    ['a reason code of another packet', disconnectPacket(0x92), /DISCONNECT with reason code 0x92/],
    ['a property of another packet', disconnectPacket(0, [[Id.SESSION_EXPIRY, 1]]), /property 0x11 in DISCONNECT/],
    ['a property of a client', publishPacket({ topic: 't', properties: [[Id.WILL_DELAY, 1]] }), /property 0x18/],
    [
      'a property twice',
      disconnectPacket(0, [
        [Id.REASON_STRING, 'a'],
        [Id.REASON_STRING, 'b'],
      ]),
      /0x1f twice/,
    ],
    ['a packet that ends early', packet('PUBACK', 0, Buffer.from([0])), /ends early/],
    ['bytes too many', packet('PINGRESP', 0, Buffer.from([0])), /bytes too many/],
    ['the packet identifier 0', acknowledgePacket('PUBACK', 0), /identifier 0/],
    ['a length that is too long', Buffer.from([0xd0, 0x80, 0x00]), /longer than need be/],
    ['a length without end', Buffer.from([0xd0, 0xff, 0xff, 0xff, 0xff]), /more than four bytes/],
    ['a session of who is refused', packet('CONNACK', 0, Buffer.from([1, 0x80, 0])), /refused .* session present/],
    ['a topic that is not UTF-8', publishPacket({ topic: Buffer.from([0xff]), properties: [] }), /not valid/],
    ['no topic and no alias', publishPacket({ topic: '', properties: [] }), /neither topic nor alias/],
    ['a subscription identifier 0', publishPacket({ topic: 't', properties: [[0x0b, 0]] }), /identifier 0/],
    ['a SUBACK without a code', packet('SUBACK', 0, Buffer.from([0, 1, 0])), /without a code/],
  ]
  test.each(faults)('refuses %s in MQTT 5', (_fault, bytes, message) => {
    expect(() => parse(bytes, 5)).toThrow(message)
  })

  const faults311: typeof faults = [
    ['a packet of a client', subscribePacket(1, [['f', 0]]), /sent SUBSCRIBE, which a server may not/],
    ['a DISCONNECT', disconnectPacket(), /sent DISCONNECT, which a server may not/],
    ['reserved flags', packet('PUBREL', 0, Buffer.from([0, 1])), /PUBREL with flags 0/],
    ['a return code that there is not', packet('CONNACK', 0, Buffer.from([0, 0x80])), /CONNACK with reason code 0x80/],
    ['a reason code', acknowledgePacket('PUBACK', 1, 0), /PUBACK with reason code 0x0/],
    ['codes in UNSUBACK', packet('UNSUBACK', 0, Buffer.from([0, 1, 0])), /UNSUBACK with reason code 0x0/],
    ['a SUBACK without a code', packet('SUBACK', 0, Buffer.from([0, 1])), /without a code/],
    ['properties', packet('CONNACK', 0, Buffer.from([0, 0, 0])), /bytes too many/],
    ['QoS 3', publishPacket({ topic: 't', qos: 3 }), /at QoS 3/],
    ['DUP at QoS 0', publishPacket({ topic: 't', dup: true }), /with DUP/],
    ['a topic with a wildcard', publishPacket({ topic: 'a/#' }), /to "a\/#"/],
  ]
  test.each(faults311)('refuses %s in MQTT 3.1.1', (_fault, bytes, message) => {
    expect(() => parse(bytes, 4)).toThrow(message)
  })
})

test('RawClient fails who waits for a packet that never comes, and says why', async () => {
  const server = createServer((socket) => socket.end(packet('PINGRESP', 1, Buffer.alloc(0))))
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const client = await openRawClient(address.port, 5)
  await expect(client.next('PINGRESP')).rejects.toThrow('the hub sent PINGRESP with flags 1')
})
