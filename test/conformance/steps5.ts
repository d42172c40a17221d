import { expect } from 'vitest'
import { type ConnectFields, publishPacket } from '../support/packets.ts'
import { Id, type Properties } from '../support/properties.ts'
import { connectRawClient, openRawClient, type RawClient } from '../support/raw-client.ts'
import type { ReceivedPublish } from '../support/received-packet.ts'
import { leave, takeMessages } from '../support/steps.ts'

/** Steps that many tests of MQTT 5 take. */

/** A session that is resumed and outlives its connection. */
export const KEPT: ConnectFields = { isClean: false, properties: [[Id.SESSION_EXPIRY, 1000]] }

export const NOT_UTF8 = Buffer.from([0x61, 0xc0, 0xaf])
export const SURROGATE = Buffer.from([0x61, 0xed, 0xa0, 0x80])
export const WITH_NUL = Buffer.from([0x61, 0x00, 0x62])

/** Connects to a hub as the client `clientId`. */
export async function join5(port: number, clientId: string, fields: ConnectFields = {}): Promise<RawClient> {
  return connectRawClient(port, { properties: [], ...fields, clientId })
}

/** A PUBLISH at QoS 0. */
export function message5(topic: string, payload = '', properties: Properties = []): Buffer {
  return publishPacket({ topic, payload, properties })
}

/** Publishes at QoS 1 and waits for the PUBACK, whose reason code it returns. */
export async function publishAcknowledged(
  client: RawClient,
  topic: string,
  payload: string,
  properties: Properties = [],
): Promise<number> {
  client.send(publishPacket({ topic, payload, qos: 1, properties }))
  return (await client.next('PUBACK')).reasonCode
}

/** Sends what the hub must answer with a refusing CONNACK and the end, and returns its reason code. */
export async function refusalOf(port: number, ...packets: readonly Buffer[]): Promise<number> {
  const client = await openRawClient(port, 5)
  client.send(...packets)
  const { reasonCode } = await client.next('CONNACK')
  await client.untilClosed()
  client.expectNothingLeft()
  expect(reasonCode).toBeGreaterThanOrEqual(0x80)
  return reasonCode
}

/** Sends what the hub must answer with DISCONNECT and the end, and returns its reason code. */
export async function endingOf(port: number, ...packets: readonly Buffer[]): Promise<number> {
  const client = await join5(port, 'offender')
  client.send(...packets)
  return client.untilDisconnected()
}

/** Subscribes a client of its own to `filter` and gives the one retained message that comes, if any. */
export async function retainedFor(port: number, filter: string): Promise<ReceivedPublish | undefined> {
  const reader = await join5(port, 'reader')
  await reader.subscribe([filter, 0])
  const messages = await takeMessages(reader)
  expect(messages.length).toBeLessThan(2)
  await leave(reader)
  return messages[0]
}
