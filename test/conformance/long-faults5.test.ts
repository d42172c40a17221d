import { expect, test } from 'vitest'
import { endingOf, join5 } from './steps5.ts'
import { connectPacket, publishPacket, subscribePacket, unsubscribePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { startHub } from '../support/start-hub.ts'

/** As long as a string may be, and each character an escape where it is quoted. */
const LONG = `${'"'.repeat(65_534)}#`

test.each([
  ['topic filter of a SUBSCRIBE', subscribePacket(1, [[LONG, 0]], []), 0x81],
  ['topic filter of an UNSUBSCRIBE', unsubscribePacket(1, [LONG], []), 0x81],
  ['topic name of a PUBLISH', publishPacket({ topic: LONG, properties: [] }), 0x90],
])(
  'What is wrong with the longest %s is told in a DISCONNECT that is well formed [MQTT-3.14.2-3]',
  async (_what, bytes, code) => {
    const { port } = await startHub()
    expect(await endingOf(port, bytes)).toBe(code)
  },
)

test('What is wrong with the longest authentication method is told in a CONNACK that is well formed', async () => {
  const { port } = await startHub({ config: { limits: { maxConnectPacketBytes: 200_000 } } })
  const client = await openRawClient(port, 5)
  client.send(connectPacket({ clientId: 'c', properties: [[Id.AUTHENTICATION_METHOD, LONG]] }))
  expect(await client.next('CONNACK')).toMatchObject({ reasonCode: 0x8c })
  expect((await join5(port, 'another')).isClosed).toBe(false)
})
