import { describe, expect, test } from 'vitest'
import { readConnect } from '../../src/protocol/connect-packet.ts'
import { MalformedPacketError } from '../../src/protocol/field-reader.ts'

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

/** The body of a CONNECT: protocol name, level and flags as given, keep-alive 60, then the fields. */
function body(flags: number, fields: readonly Buffer[], level = 4, name = 'MQTT'): Buffer {
  return Buffer.concat([field(name), Buffer.from([level, flags, 0, 60]), ...fields])
}

function read(bytes: Buffer): ReturnType<typeof readConnect> {
  return readConnect(bytes, 0, bytes.length)
}

describe('readConnect', () => {
  test('reads all that a CONNECT can hold', () => {
    const fields = [field('id'), field('will/topic'), field('gone'), field('user'), field('secret')]
    expect(read(body(0xee, fields))).toEqual({
      protocolLevel: 4,
      isBridge: false,
      clientId: 'id',
      isClean: true,
      keepAliveSeconds: 60,
      will: { topic: 'will/topic', payload: Buffer.from('gone'), qos: 1, retain: true },
      userName: 'user',
      password: Buffer.from('secret'),
    })
  })

  test('reads a CONNECT of MQTT 3.1', () => {
    expect(read(body(2, [field('id')], 3, 'MQIsdp'))).toMatchObject({ protocolLevel: 3, clientId: 'id' })
  })

  test('takes the mark of a Mosquitto bridge off the protocol level', () => {
    expect(read(body(2, [field('id')], 0x84))).toMatchObject({ protocolLevel: 4, isBridge: true, clientId: 'id' })
    expect(read(body(2, [field('id')], 0x83, 'MQIsdp'))).toMatchObject({ protocolLevel: 3, isBridge: true })
  })

  test('leaves that mark to be refused in MQTT 5, which has none', () => {
    expect(read(body(2, [field('id')], 0x85))).toEqual({ protocolLevel: 0x85 })
  })

  test.each([3, 0, 6])('leaves protocol level %i to be refused [MQTT-3.1.2-2]', (level) => {
    expect(read(body(2, [field('id')], level))).toEqual({ protocolLevel: level })
  })

  test.each<[string, Buffer]>([
    ['another protocol name [MQTT-3.1.2-1]', body(2, [field('id')], 4, 'MQTX')],
    ['the reserved flag [MQTT-3.1.2-3]', body(3, [field('id')])],
    ['will QoS without a will [MQTT-3.1.2-13]', body(0x0a, [field('id')])],
    ['will retain without a will [MQTT-3.1.2-15]', body(0x22, [field('id')])],
    ['will QoS 3 [MQTT-3.1.2-14]', body(0x1e, [field('id'), field('t'), field('m')])],
    ['a password without a user name [MQTT-3.1.2-22]', body(0x42, [field('id'), field('secret')])],
    ['a user name that is announced and missing [MQTT-3.1.2-19]', body(0x82, [field('id')])],
    ['a will that is announced and missing [MQTT-3.1.2-9]', body(0x06, [field('id')])],
    ['bytes behind the last field', body(2, [field('id'), Buffer.from([1])])],
    ['a client identifier that is not UTF-8 [MQTT-3.1.3-4]', body(2, [field(Buffer.from([0xc0, 0x80]))])],
    ['a client identifier with a surrogate [MQTT-1.5.3-1]', body(2, [field(Buffer.from([0xed, 0xa0, 0x80]))])],
    ['a client identifier with U+0000 [MQTT-1.5.3-2]', body(2, [field('a\0b')])],
    ['a field longer than the packet', Buffer.concat([body(2, []), Buffer.from([0, 9, 1])])],
  ])('refuses %s', (_what, bytes) => {
    expect(() => read(bytes)).toThrow(MalformedPacketError)
  })

  test('refuses a CONNECT that is cut at any byte', () => {
    const whole = body(0xee, [field('id'), field('t'), field('m'), field('u'), field('p')])
    for (let length = 0; length < whole.length; length++) {
      expect(() => readConnect(whole, 0, length)).toThrow(MalformedPacketError)
    }
  })
})
