import { expect } from 'vitest'
import { until } from '../support/guard.ts'
import { type ConnectFields5, disconnectPacket5, type Properties, publishPacket5 } from '../support/packets5.ts'
import { Id } from '../support/properties5.ts'
import { connectRawClient5, openRawClient5, type RawClient5 } from '../support/raw-client5.ts'
import type { ReceivedPacket5, ReceivedPublish5 } from '../support/received-packet5.ts'
import type { CollectingLog } from '../support/start-hub.ts'
import { reasonsOf } from '../support/steps.ts'

/** Steps that many tests of MQTT 5 take. */

/** A session that is resumed and outlives its connection. */
export const KEPT: ConnectFields5 = { isCleanStart: false, properties: [[Id.SESSION_EXPIRY, 1000]] }

export const NOT_UTF8 = Buffer.from([0x61, 0xc0, 0xaf])
export const SURROGATE = Buffer.from([0x61, 0xed, 0xa0, 0x80])
export const WITH_NUL = Buffer.from([0x61, 0x00, 0x62])

/** Connects to a hub as the client `clientId`. */
export async function join5(port: number, clientId: string, fields: ConnectFields5 = {}): Promise<RawClient5> {
  return connectRawClient5(port, { ...fields, clientId })
}

/** Says DISCONNECT and waits for the end. */
export async function leave5(client: RawClient5, reasonCode?: number, properties?: Properties): Promise<void> {
  client.send(disconnectPacket5(reasonCode, properties))
  await client.untilClosed()
}

/** Drops a client's connection without a word and waits until the hub has noticed. */
export async function lose5(log: CollectingLog, client: RawClient5): Promise<void> {
  const before = reasonsOf(log).length
  client.destroy()
  await until(
    () => reasonsOf(log).length > before,
    () => 'the hub to notice a lost connection',
  )
}

/** Sends packets and waits until the hub has handled them, which is when the PINGREQ behind them is answered. */
export async function publish5(client: RawClient5, ...packets: readonly Buffer[]): Promise<ReceivedPacket5[]> {
  client.send(...packets)
  return client.restBeforePingresp()
}

/** A PUBLISH at QoS 0. */
export function message5(topic: string, payload = '', properties: Properties = []): Buffer {
  return publishPacket5({ topic, payload, properties })
}

/** Publishes at QoS 1 and waits for the PUBACK, whose reason code it returns. */
export async function publishAcknowledged(
  client: RawClient5,
  topic: string,
  payload: string,
  properties: Properties = [],
): Promise<number> {
  client.send(publishPacket5({ topic, payload, qos: 1, properties }))
  return (await client.next('PUBACK')).reasonCode
}

export function isPublish5(packet: ReceivedPacket5): packet is ReceivedPublish5 {
  return packet.type === 'PUBLISH'
}

/** The payloads of the PUBLISH packets among `packets`, as text. */
export function payloadsOf5(packets: readonly ReceivedPacket5[]): string[] {
  return packets.filter(isPublish5).map(({ payload }) => payload.toString())
}

/** Messages that came to a client since the last look, and nothing else may have come. */
export async function takeMessages(client: RawClient5): Promise<ReceivedPublish5[]> {
  const packets = await client.restBeforePingresp()
  expect(packets.filter((packet) => !isPublish5(packet))).toEqual([])
  return packets.filter(isPublish5)
}

/** The payloads of `takeMessages`. */
export async function takePayloads5(client: RawClient5): Promise<string[]> {
  return payloadsOf5(await takeMessages(client))
}

/** Sends what the hub must answer with a refusing CONNACK and the end, and returns its reason code. */
export async function refusalOf(port: number, ...packets: readonly Buffer[]): Promise<number> {
  const client = await openRawClient5(port)
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
export async function retainedFor(port: number, filter: string): Promise<ReceivedPublish5 | undefined> {
  const reader = await join5(port, 'reader')
  await reader.subscribe([filter, 0])
  const messages = await takeMessages(reader)
  expect(messages.length).toBeLessThan(2)
  await leave5(reader)
  return messages[0]
}
