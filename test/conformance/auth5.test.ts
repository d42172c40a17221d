import { describe, expect, test } from 'vitest'
import { endingOf, refusalOf } from './steps5.ts'
import { authPacket, connectPacket } from '../support/packets.ts'
import { Id, type Property } from '../support/properties.ts'
import { openRawClient } from '../support/raw-client.ts'
import { valuesOf } from '../support/received-packet.ts'
import { startHub } from '../support/start-hub.ts'

const METHOD: Property = [Id.AUTHENTICATION_METHOD, 'GS2-KRB5']

describe('Enhanced authentication', () => {
  test('by a method that the hub does not know is refused with 0x8C, then closed [MQTT-4.12.0-1] [MQTT-4.12.0-4]', async () => {
    const { port } = await startHub()
    expect(await refusalOf(port, connectPacket({ clientId: 'c', properties: [METHOD] }))).toBe(0x8c)
    const withData: Property[] = [METHOD, [Id.AUTHENTICATION_DATA, Buffer.from('x')]]
    expect(await refusalOf(port, connectPacket({ clientId: 'c', properties: withData }))).toBe(0x8c)
  })

  test('that was not asked for is never begun by the hub [MQTT-4.12.0-6]', async () => {
    const { port } = await startHub()
    const client = await openRawClient(port, 5)
    const connack = await client.connect({ clientId: 'c', userName: 'u', password: 'p' })
    expect(connack.reasonCode).toBe(0)
    expect(valuesOf(connack, Id.AUTHENTICATION_METHOD)).toEqual([])
    expect(await client.restBeforePingresp()).toEqual([])
  })

  test.each([0x00, 0x18, 0x19])(
    'that was not asked for makes an AUTH with %i a protocol error [MQTT-4.12.0-7] [MQTT-4.12.1-2]',
    async (reasonCode) => {
      const { port } = await startHub()
      expect(await endingOf(port, authPacket(reasonCode, [METHOD]))).toBe(0x82)
      expect(await endingOf(port, authPacket(reasonCode))).toBe(0x82)
    },
  )

  test('makes an AUTH with reserved flags malformed [MQTT-3.15.1-1]', async () => {
    const { port } = await startHub()
    expect(await endingOf(port, authPacket(0x18, [METHOD], 1))).toBe(0x81)
  })

  test('needs a method where there is data', async () => {
    const { port } = await startHub()
    const properties: Property[] = [[Id.AUTHENTICATION_DATA, Buffer.from('x')]]
    expect(await refusalOf(port, connectPacket({ clientId: 'c', properties }))).toBe(0x82)
  })
})
