import { expect, test } from 'vitest'
import { field, uint16, varint } from '../support/bytes.ts'
import {
  type Acknowledgement,
  acknowledgePacket,
  authPacket,
  type ConnectFields,
  connectPacket,
  disconnectPacket,
  packet,
  type PacketName,
  PINGREQ,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
  type WillFields,
} from '../support/packets.ts'
import { Id, type Properties, type Property } from '../support/properties.ts'
import { type Case, expectOutcomes, type Outcome, textCases } from './outcomes.ts'

/** Each kind of fault in every packet and field that can have it. */

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const ACKNOWLEDGEMENTS = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const satisfies readonly Acknowledgement[]

function connect5(fields: ConnectFields): Buffer {
  return connectPacket({ clientId: 'offender', properties: [], ...fields })
}

function withWill(will: Partial<WillFields>): Buffer {
  return connect5({ will: { topic: 'will', ...will } })
}

interface Sent {
  readonly name: string
  readonly build: (properties: Properties) => Buffer
  /** What becomes of a client that sends it with nothing wrong. */
  readonly right: Outcome
}

/** Every packet of a client that has properties. */
const PACKETS: readonly Sent[] = [
  { name: 'CONNECT', build: (properties) => connect5({ properties }), right: 'goes on' },
  { name: 'CONNECT with a will', build: (properties) => withWill({ properties }), right: 'goes on' },
  { name: 'PUBLISH', build: (properties) => publishPacket({ topic: 't', properties }), right: 'goes on' },
  {
    name: 'PUBLISH at QoS 2',
    build: (properties) => publishPacket({ topic: 't', qos: 2, properties }),
    right: 'goes on',
  },
  ...ACKNOWLEDGEMENTS.map((name): Sent => {
    return { name, build: (properties) => acknowledgePacket(name, 1, 0, properties), right: 'goes on' }
  }),
  { name: 'SUBSCRIBE', build: (properties) => subscribePacket(1, [['t', 0]], properties), right: 'goes on' },
  { name: 'UNSUBSCRIBE', build: (properties) => unsubscribePacket(1, ['t'], properties), right: 'goes on' },
  { name: 'DISCONNECT', build: (properties) => disconnectPacket(0, properties), right: 'ends without a word' },
  { name: 'AUTH', build: (properties) => authPacket(0x18, properties), right: PROTOCOL_ERROR },
]

function publishWith(id: number, text: Buffer): Buffer {
  return publishPacket({ topic: 't', properties: [[id, field(text)]] })
}

test('A string is malformed that is not UTF-8 or has U+0000, in every field [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT-3.1.3-4] [MQTT-3.1.3-11] [MQTT-3.1.3-12] [MQTT-3.3.2-1] [MQTT-3.3.2-13] [MQTT-3.3.2-19] [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2]', async () => {
  await expectOutcomes(5, [
    ...textCases(5, 'client identifier', (clientId) => connect5({ clientId })),
    ...textCases(5, 'user name', (userName) => connect5({ userName })),
    ...textCases(
      5,
      'authentication method',
      (text) => connect5({ properties: [[Id.AUTHENTICATION_METHOD, field(text)]] }),
      0x8c,
    ),
    ...textCases(5, 'will topic', (topic) => withWill({ topic })),
    ...textCases(5, 'Content Type of a will', (text) => withWill({ properties: [[Id.CONTENT_TYPE, field(text)]] })),
    ...textCases(5, 'Response Topic of a will', (text) => withWill({ properties: [[Id.RESPONSE_TOPIC, field(text)]] })),
    ...textCases(5, 'topic name', (topic) => publishPacket({ topic, properties: [] })),
    ...textCases(5, 'topic name at QoS 1', (topic) => publishPacket({ topic, qos: 1, properties: [] })),
    ...textCases(5, 'Content Type', (text) => publishWith(Id.CONTENT_TYPE, text)),
    ...textCases(5, 'Response Topic', (text) => publishWith(Id.RESPONSE_TOPIC, text)),
    ...ACKNOWLEDGEMENTS.flatMap((type) =>
      textCases(5, `Reason String of ${type}`, (text) =>
        acknowledgePacket(type, 1, 0, [[Id.REASON_STRING, field(text)]]),
      ),
    ),
    ...textCases(
      5,
      'Reason String of DISCONNECT',
      (text) => disconnectPacket(0, [[Id.REASON_STRING, field(text)]]),
      'ends without a word',
    ),
    ...textCases(5, 'filter of SUBSCRIBE', (text) => subscribePacket(1, [[text, 0]], [])),
    ...textCases(5, 'last filter of SUBSCRIBE', (text) =>
      subscribePacket(
        1,
        [
          ['t', 0],
          [text, 0],
        ],
        [],
      ),
    ),
    ...textCases(5, 'filter of UNSUBSCRIBE', (text) => unsubscribePacket(1, [text], [])),
    ...textCases(5, 'last filter of UNSUBSCRIBE', (text) => unsubscribePacket(1, ['t', text], [])),
  ])
})

test('A User Property is malformed whose name or value is not UTF-8 or has U+0000, in every packet [MQTT-1.5.7-1] [MQTT-1.5.4-1] [MQTT-1.5.4-2]', async () => {
  const packets = PACKETS.filter(({ name }) => name !== 'AUTH')
  await expectOutcomes(
    5,
    packets.flatMap(({ name, build, right }) =>
      textCases(5, `${name}, name`, (text) => build([[Id.USER_PROPERTY, [text, 'value']]]), right).concat(
        textCases(5, `${name}, value`, (text) => build([[Id.USER_PROPERTY, ['name', text]]]), right),
      ),
    ),
  )
})

test('Flags are as the table has them in every packet, or it is malformed [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1] [MQTT-3.15.1-1]', async () => {
  const bodies: readonly (readonly [name: PacketName, flags: number, right: Outcome, body: Buffer])[] = [
    ...ACKNOWLEDGEMENTS.map((type) => [type, type === 'PUBREL' ? 2 : 0, 'goes on', uint16(1)] as const),
    ['SUBSCRIBE', 2, 'goes on', Buffer.concat([uint16(1), Buffer.from([0]), field('t'), Buffer.from([0])])],
    ['UNSUBSCRIBE', 2, 'goes on', Buffer.concat([uint16(1), Buffer.from([0]), field('t')])],
    ['PINGREQ', 0, 'goes on', Buffer.alloc(0)],
    ['DISCONNECT', 0, 'ends without a word', Buffer.alloc(0)],
    ['AUTH', 0, PROTOCOL_ERROR, Buffer.from([0x18, 0])],
  ]
  const cases = bodies.flatMap(([type, rightFlags, right, body]) =>
    Array.from({ length: 16 }, (_, flags): Case => {
      const expected = [flags === rightFlags ? right : MALFORMED]
      return { name: `${type} with flags ${flags}`, bytes: packet(type, flags, body), expected }
    }),
  )
  const connect = connect5({}).subarray(2)
  const connects = Array.from({ length: 16 }, (_, flags): Case => {
    // Before it says of which version it is, nothing may be said to it.
    const expected: readonly Outcome[] = flags === 0 ? ['goes on'] : [MALFORMED, 'ends without a word']
    return { name: `CONNECT with flags ${flags}`, bytes: packet('CONNECT', flags, connect), expected }
  })
  await expectOutcomes(5, [...cases, ...connects])
})

/** A SUBSCRIBE with these bytes as its Subscription Identifier. */
function subscribeAs(...identifier: readonly number[]): Buffer {
  return subscribePacket(1, [['t', 0]], [[Id.SUBSCRIPTION_IDENTIFIER, Buffer.from(identifier)]])
}

/** The packet with a remaining length of one byte more than it needs. */
function lengthened(bytes: Buffer): Buffer {
  const [head = 0, length = 0] = bytes
  expect(length).toBeLessThan(128)
  return Buffer.concat([Buffer.from([head, length | 0x80, 0]), bytes.subarray(2)])
}

test('A variable byte integer is malformed that is longer than need be, in every place [MQTT-1.5.5-1]', async () => {
  const pair = Buffer.concat([field('name'), field('value')])
  const block = (id: readonly number[]): Buffer =>
    Buffer.concat([varint(id.length + pair.length), Buffer.from(id), pair])
  const cases = PACKETS.flatMap(({ name, build, right }): Case[] => {
    const isUnread = name === 'AUTH'
    const wrong = [isUnread ? right : MALFORMED]
    return [
      { name: `${name}, remaining length`, bytes: build([]), expected: [right] },
      { name: `${name}, longer remaining length`, bytes: lengthened(build([])), expected: [MALFORMED] },
      { name: `${name}, property length`, bytes: build(Buffer.from([0])), expected: [right] },
      { name: `${name}, longer property length`, bytes: build(Buffer.from([0x80, 0])), expected: wrong },
      { name: `${name}, longest property length`, bytes: build(Buffer.from([0x80, 0x80, 0x80, 0])), expected: wrong },
      { name: `${name}, property`, bytes: build(block([Id.USER_PROPERTY])), expected: [right] },
      { name: `${name}, longer property`, bytes: build(block([Id.USER_PROPERTY | 0x80, 0])), expected: wrong },
    ]
  })
  await expectOutcomes(5, [
    ...cases,
    { name: 'PINGREQ, longer remaining length', bytes: lengthened(PINGREQ), expected: [MALFORMED] },
    { name: 'Subscription Identifier', bytes: subscribeAs(5), expected: ['goes on'] },
    { name: 'longer Subscription Identifier', bytes: subscribeAs(0x85, 0), expected: [MALFORMED] },
    { name: 'endless Subscription Identifier', bytes: subscribeAs(0xff, 0xff, 0xff, 0xff, 1), expected: [MALFORMED] },
  ])
})

test('A packet is malformed, or a protocol error, that ends early at any byte [MQTT-3.1.4-1] [MQTT-4.13.1-1]', async () => {
  const properties: Property[] = [[Id.USER_PROPERTY, ['n', 'v']]]
  const will = { topic: 'w', payload: 'p', properties }
  const connect = connect5({ properties: [[Id.SESSION_EXPIRY, 1], ...properties], will, userName: 'u', password: 'p' })
  const whole: readonly (readonly [name: string, bytes: Buffer, right: Outcome, ends: readonly number[]])[] = [
    ['CONNECT', connect, 'goes on', []],
    ['PUBLISH', publishPacket({ topic: 't', qos: 1, properties }), 'goes on', []],
    ['SUBSCRIBE', subscribePacket(1, [['t', 0]], properties), 'goes on', []],
    ['UNSUBSCRIBE', unsubscribePacket(1, ['t'], properties), 'goes on', []],
    // Reason code and properties may be left out.
    ...ACKNOWLEDGEMENTS.map((type) => [type, acknowledgePacket(type, 1, 0, properties), 'goes on', [2, 3]] as const),
    ['DISCONNECT', disconnectPacket(0, properties), 'ends without a word', [0, 1]],
  ]
  const cases = whole.flatMap(([name, bytes, right, ends]) => {
    const body = bytes.subarray(2)
    return Array.from({ length: body.length + 1 }, (_, length): Case => {
      const [first = 0] = bytes
      const wrong = name === 'CONNECT' && length < 7 ? ['ends without a word' as const] : [MALFORMED, PROTOCOL_ERROR]
      return {
        name: `${length} bytes of ${name}`,
        bytes: packet(first >> 4, first & 15, body.subarray(0, length)),
        expected: length === body.length || ends.includes(length) ? [right] : wrong,
      }
    })
  })
  await expectOutcomes(5, cases)
})

test('A reason code ends the client that its packet may not have [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1] [MQTT-3.14.2-1]', async () => {
  const ofPublish = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
  const ofDisconnect = [0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99]
  const packets: readonly (readonly [
    name: string,
    allowed: readonly number[],
    right: Outcome,
    build: (code: number) => Buffer,
  ])[] = [
    ['PUBACK', ofPublish, 'goes on', (code) => acknowledgePacket('PUBACK', 1, code)],
    ['PUBREC', ofPublish, 'goes on', (code) => acknowledgePacket('PUBREC', 1, code)],
    ['PUBREL', [0, 0x92], 'goes on', (code) => acknowledgePacket('PUBREL', 1, code)],
    ['PUBCOMP', [0, 0x92], 'goes on', (code) => acknowledgePacket('PUBCOMP', 1, code)],
    ['DISCONNECT', ofDisconnect, 'ends without a word', (code) => disconnectPacket(code)],
  ]
  // All that the standard has, and some that it has not.
  const codes = [0, 1, 2, 3, 4, 0x10, 0x11, 0x18, 0x19, 0x7f, ...Array.from({ length: 0x28 }, (_, i) => 0x80 + i), 0xff]
  const cases = packets.flatMap(([name, allowed, right, build]) =>
    codes.map((code): Case => {
      const expected = allowed.includes(code) ? [right] : [MALFORMED, PROTOCOL_ERROR]
      return { name: `${name} with 0x${code.toString(16)}`, bytes: build(code), expected }
    }),
  )
  await expectOutcomes(5, cases)
})
