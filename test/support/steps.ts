import { expect } from 'vitest'
import { until } from './guard.ts'
import { type ConnectFields, disconnectPacket, publishPacket } from './packets.ts'
import type { Properties } from './properties.ts'
import { connectRawClient, type RawClient } from './raw-client.ts'
import type { ReceivedPacket, ReceivedPublish } from './received-packet.ts'
import type { CollectingLog, TestHub } from './start-hub.ts'

/** Steps that many tests of the protocol take. */

/** Connects to a hub as the client `clientId`. */
export async function join(port: number, clientId: string, fields: ConnectFields = {}): Promise<RawClient> {
  return connectRawClient(port, { ...fields, clientId })
}

/** Says DISCONNECT and waits for the end; the hub has then let the client go. */
export async function leave(client: RawClient, reasonCode?: number, properties?: Properties): Promise<void> {
  client.send(disconnectPacket(reasonCode, properties))
  await client.untilClosed()
}

/** Drops a client's connection without a word and waits until the hub has noticed. */
export async function lose(log: CollectingLog, client: RawClient): Promise<void> {
  const before = reasonsOf(log).length
  client.destroy()
  await until(
    () => reasonsOf(log).length > before,
    () => 'the hub to notice a lost connection',
  )
}

/** Publishes and waits until the hub has handled it, which is when the PINGREQ behind it is answered. */
export async function publish(client: RawClient, ...packets: readonly Buffer[]): Promise<ReceivedPacket[]> {
  client.send(...packets)
  return client.restBeforePingresp()
}

/** A PUBLISH at QoS 0. */
export function message(topic: string, payload = '', retain = false): Buffer {
  return publishPacket({ topic, payload, retain })
}

/** Why connections ended, as the log says it, in order. */
export function reasonsOf(log: CollectingLog): string[] {
  return log.lines.items.flatMap(({ text, fields }) =>
    text === 'connection closed' && typeof fields['reason'] === 'string' ? [fields['reason']] : [],
  )
}

/** Waits until the log says that a connection ended for a reason like this. */
export async function untilReason(log: CollectingLog, reason: RegExp): Promise<void> {
  await until(
    () => reasonsOf(log).some((line) => reason.test(line)),
    () => `a log line like ${String(reason)}; the log says ${JSON.stringify(reasonsOf(log))}`,
  )
}

export function isPublish(packet: ReceivedPacket): packet is ReceivedPublish {
  return packet.type === 'PUBLISH'
}

/** The payloads of the PUBLISH packets among `packets`, as text. */
export function payloadsOf(packets: readonly ReceivedPacket[]): string[] {
  return packets.filter(isPublish).map(({ payload }) => payload.toString())
}

/** Messages that came to a client since the last look, and nothing else may have come. */
export async function takeMessages(client: RawClient): Promise<ReceivedPublish[]> {
  const packets = await client.restBeforePingresp()
  expect(packets.filter((packet) => !isPublish(packet))).toEqual([])
  return packets.filter(isPublish)
}

/** The payloads of `takeMessages`. */
export async function takePayloads(client: RawClient): Promise<string[]> {
  return payloadsOf(await takeMessages(client))
}

/** A client that talks to itself, to show that whatever others do is not felt. */
export class Bystander {
  readonly #client: RawClient
  #said = 0

  constructor(client: RawClient) {
    this.#client = client
  }

  static async join(port: number): Promise<Bystander> {
    const client = await join(port, 'bystander', { will: { topic: 'bystander', payload: 'died' } })
    await client.subscribe(['bystander', 1])
    return new Bystander(client)
  }

  /** Gets its own next message, and nothing else has come. */
  async expectUntouched(): Promise<void> {
    const payload = `${++this.#said}`
    const packets = await publish(this.#client, message('bystander', payload))
    expect(payloadsOf(packets)).toEqual([payload])
    expect(packets).toHaveLength(1)
  }
}

/** Checks the ledger's identity: whatever was due is delivered, dropped for a reason, or held. */
export function expectLedgerBalanced({ hub }: TestHub): void {
  expect(hub.ledger.delivered + hub.ledger.droppedTotal + hub.pendingMessages).toBe(hub.ledger.matched)
}
