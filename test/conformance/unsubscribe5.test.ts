import { describe, expect, test } from 'vitest'
import { endingOf, join5, message5, NOT_UTF8 } from './steps5.ts'
import { acknowledgePacket, publishPacket, unsubscribePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { isPublish, publish, takePayloads } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82

describe('UNSUBSCRIBE', () => {
  const faults: readonly (readonly [what: string, bytes: Buffer, codes: readonly number[]])[] = [
    ['with reserved flags [MQTT-3.10.1-1]', unsubscribePacket(1, ['t'], [], 0), [MALFORMED]],
    ['with a filter that is not UTF-8 [MQTT-3.10.3-1]', unsubscribePacket(1, [NOT_UTF8], []), [MALFORMED, 0x8f]],
    ['from "ab/+e" [MQTT-4.7.1-2]', unsubscribePacket(1, ['ab/+e'], []), [MALFORMED]],
    ['from "a/#/b" [MQTT-4.7.1-1]', unsubscribePacket(1, ['t', 'a/#/b'], []), [MALFORMED]],
    ['from "" [MQTT-4.7.3-1]', unsubscribePacket(1, [''], []), [MALFORMED]],
    ['without a filter [MQTT-3.10.3-2]', unsubscribePacket(1, [], []), [PROTOCOL_ERROR]],
    ['with packet identifier 0', unsubscribePacket(0, ['t'], []), [MALFORMED, PROTOCOL_ERROR]],
  ]
  test.each(faults)('%s ends the client with its reason code [MQTT-4.13.1-1]', async (_what, bytes, codes) => {
    const { port } = await startHub()
    expect(codes).toContain(await endingOf(port, bytes))
  })

  test('is answered once, with its packet identifier and a code for each filter in their order [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1] [MQTT-3.11.3-2] [MQTT-2.2.1-6]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['a', 0], ['b/#', 0])
    const answers = await publish(client, unsubscribePacket(0xabcd, ['x', 'a', 'b/+', 'b/#', 'a'], []))
    expect(answers).toMatchObject([{ type: 'UNSUBACK', packetId: 0xabcd, codes: [0x11, 0, 0x11, 0, 0x11] }])
  })

  test('of what was never subscribed is answered all the same, with user properties too [MQTT-3.10.4-5]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    client.send(unsubscribePacket(3, ['t'], [[Id.USER_PROPERTY, ['a', 'b']]]))
    expect(await client.next('UNSUBACK')).toMatchObject({ packetId: 3, codes: [0x11] })
  })

  test('ends what is spelled alike and nothing that merely matches [MQTT-3.10.4-1]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['a/+', 0], ['b', 0])
    client.send(unsubscribePacket(1, ['a/b', '#', 'b'], []))
    expect((await client.next('UNSUBACK')).codes).toEqual([0x11, 0x11, 0])
    client.send(message5('a/b', 'still'), message5('b', 'no more'))
    expect(await takePayloads(client)).toEqual(['still'])
  })

  test('lets nothing new come once it is answered [MQTT-3.10.4-2]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 0])
    client.send(message5('t', 'before'), unsubscribePacket(1, ['t'], []), message5('t', 'after'))
    const packets = await client.restBeforePingresp()
    expect(packets.map(({ type }) => type)).toEqual(['PUBLISH', 'UNSUBACK'])
  })

  test('lets QoS 1 and 2 that were sent already be finished [MQTT-3.10.4-3]', async () => {
    const { port } = await startHub()
    const client = await join5(port, 'c')
    await client.subscribe(['t', 2])
    const publisher = await join5(port, 'publisher')
    await publish(
      publisher,
      publishPacket({ topic: 't', qos: 1, packetId: 1, properties: [] }),
      publishPacket({ topic: 't', qos: 2, packetId: 2, properties: [] }),
    )
    const [first, second] = (await client.restBeforePingresp()).filter(isPublish)
    if (first === undefined || second === undefined) throw new Error('the messages did not come')
    client.send(unsubscribePacket(1, ['t'], []))
    await client.next('UNSUBACK')
    client.send(acknowledgePacket('PUBACK', first.packetId), acknowledgePacket('PUBREC', second.packetId))
    expect(await client.next('PUBREL')).toMatchObject({ packetId: second.packetId, reasonCode: 0 })
    client.send(acknowledgePacket('PUBCOMP', second.packetId))
    expect(await client.restBeforePingresp()).toEqual([])
  })
})
