import { test } from 'vitest'
import { field, uint16 } from '../support/bytes.ts'
import {
  acknowledgePacket,
  connectPacket,
  packet,
  type PacketName,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from '../support/packets.ts'
import { type Case, expectOutcomes, type Outcome, textCases } from './outcomes.ts'

/** Each kind of fault in every packet and field of MQTT 3.1.1 that can have it. */

const ENDS = 'ends without a word'
const ACKNOWLEDGEMENTS = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const

test('A string ends the connection that is not UTF-8 or has U+0000, in every field [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.1.3-4] [MQTT-3.1.3-10] [MQTT-3.1.3-11] [MQTT-3.3.2-1] [MQTT-3.8.3-1] [MQTT-3.10.3-1] [MQTT-4.7.3-2]', async () => {
  await expectOutcomes(4, [
    ...textCases(4, 'client identifier', (clientId) => connectPacket({ clientId })),
    ...textCases(4, 'user name', (userName) => connectPacket({ clientId: 'offender', userName })),
    ...textCases(4, 'will topic', (topic) => connectPacket({ clientId: 'offender', will: { topic } })),
    ...textCases(4, 'topic name', (topic) => publishPacket({ topic })),
    ...textCases(4, 'topic name at QoS 2', (topic) => publishPacket({ topic, qos: 2 })),
    ...textCases(4, 'filter of SUBSCRIBE', (text) => subscribePacket(1, [[text, 0]])),
    ...textCases(4, 'last filter of SUBSCRIBE', (text) =>
      subscribePacket(1, [
        ['t', 0],
        [text, 0],
      ]),
    ),
    ...textCases(4, 'filter of UNSUBSCRIBE', (text) => unsubscribePacket(1, [text])),
    ...textCases(4, 'last filter of UNSUBSCRIBE', (text) => unsubscribePacket(1, ['t', text])),
  ])
})

test('Flags are as the table has them in every packet, or it ends the connection [MQTT-2.2.2-1] [MQTT-2.2.2-2] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1]', async () => {
  const bodies: readonly (readonly [name: PacketName, right: number, body: Buffer])[] = [
    ['CONNECT', 0, connectPacket({ clientId: 'offender' }).subarray(2)],
    ...ACKNOWLEDGEMENTS.map((type) => [type, type === 'PUBREL' ? 2 : 0, uint16(1)] as const),
    ['SUBSCRIBE', 2, Buffer.concat([uint16(1), field('t'), Buffer.from([0])])],
    ['UNSUBSCRIBE', 2, Buffer.concat([uint16(1), field('t')])],
    ['PINGREQ', 0, Buffer.alloc(0)],
  ]
  const cases = bodies.flatMap(([type, right, body]) =>
    Array.from({ length: 16 }, (_, flags): Case => {
      const expected: readonly Outcome[] = [flags === right ? 'goes on' : ENDS]
      return { name: `${type} with flags ${flags}`, bytes: packet(type, flags, body), expected }
    }),
  )
  await expectOutcomes(4, cases)
})

test('SUBSCRIBE ends the connection when a byte of QoS is not 0, 1 or 2, whichever of its bits are wrong [MQTT-3.8.3-4]', async () => {
  const cases = Array.from({ length: 256 }, (_, byte): Case => {
    const expected: readonly Outcome[] = [byte < 3 ? 'goes on' : ENDS]
    return {
      name: `QoS byte ${byte}`,
      bytes: subscribePacket(1, [
        ['a', 0],
        ['b', byte],
      ]),
      expected,
    }
  })
  await expectOutcomes(4, cases)
})

test('A packet ends the connection that is too short, or too long, by any number of bytes [MQTT-3.1.4-1] [MQTT-4.8.0-1]', async () => {
  const will = { topic: 'w', payload: 'p' }
  const whole: readonly (readonly [name: string, bytes: Buffer])[] = [
    ['CONNECT', connectPacket({ clientId: 'offender', will, userName: 'u', password: 'p' })],
    // Behind its packet identifier, any bytes are the payload.
    ['PUBLISH', publishPacket({ topic: 't', qos: 1 })],
    ['SUBSCRIBE', subscribePacket(1, [['t', 0]])],
    ['UNSUBSCRIBE', unsubscribePacket(1, ['t'])],
    ...ACKNOWLEDGEMENTS.map((type) => [type, acknowledgePacket(type, 1)] as const),
  ]
  const cases = whole.flatMap(([name, bytes]) => {
    const body = bytes.subarray(2)
    const [first = 0] = bytes
    const longest = name === 'PUBLISH' ? body.length : body.length + 1
    return Array.from({ length: longest + 1 }, (_, length): Case => {
      const part = Buffer.concat([body, Buffer.from([0])]).subarray(0, length)
      const expected: readonly Outcome[] = [length === body.length ? 'goes on' : ENDS]
      return { name: `${length} bytes of ${name}`, bytes: packet(first >> 4, first & 15, part), expected }
    })
  })
  await expectOutcomes(4, cases)
})
