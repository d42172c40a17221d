/** What one client publishes, every other reads byte for byte. */
import { describe, expect, test } from 'vitest'
import { mosquittoPub, mosquittoSub } from '../support/mosquitto.ts'
import { CARRIERS, type CarrierName, type ClientMessage, connectLibraryClient } from '../support/mqtt-clients.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'
import type { Collected } from '../support/guard.ts'

type QoS = 0 | 1 | 2
type ClientName = CarrierName | 'mosquitto'

function isCarrier(name: string): name is CarrierName {
  return Object.hasOwn(CARRIERS, name)
}

const CLIENTS: readonly ClientName[] = ['mosquitto', ...Object.keys(CARRIERS).filter(isCarrier)]
const QOS_LEVELS: readonly QoS[] = [0, 1, 2]

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
const CONTENTS: readonly { readonly name: string; readonly topic: string; readonly payload: Buffer }[] = [
  { name: 'text', topic: 'home/kitchen', payload: Buffer.from('21.5') },
  { name: 'Cyrillic and emoji', topic: 'дом/кухня/🌡️', payload: Buffer.from('двадцать один с половиной 🔥👩‍🚒') },
  { name: 'every byte', topic: 'bytes', payload: ALL_BYTES },
  { name: 'nothing', topic: 'empty', payload: Buffer.alloc(0) },
  { name: 'a million bytes', topic: 'big', payload: Buffer.alloc(1_000_000, ALL_BYTES) },
]

async function subscribeAll(hub: TestHub, name: ClientName, qos: QoS): Promise<Collected<ClientMessage>> {
  if (name === 'mosquitto') return (await mosquittoSub(hub.port, { topics: ['#'], qos })).messages
  const { client, messages } = await connectLibraryClient(hub, name)
  await client.subscribeAsync('#', { qos })
  return messages
}

async function publishContents(hub: TestHub, name: ClientName, qos: QoS): Promise<void> {
  if (name === 'mosquitto') {
    for (const { topic, payload } of CONTENTS) await mosquittoPub(hub.port, { topic, payload, qos })
    return
  }
  const { client } = await connectLibraryClient(hub, name)
  for (const { topic, payload } of CONTENTS) await client.publishAsync(topic, payload, { qos })
}

describe.each(QOS_LEVELS)('At QoS %i', (qos) => {
  test.each(CLIENTS)('what %s publishes is read byte for byte, in order, by each kind of client', async (publisher) => {
    const hub = await startHub()
    const readers = await Promise.all(
      CLIENTS.map(async (name) => ({ name, messages: await subscribeAll(hub, name, qos) })),
    )
    await publishContents(hub, publisher, qos)
    for (const { name, messages } of readers) {
      const got = await messages.atLeast(CONTENTS.length)
      for (const [i, content] of CONTENTS.entries()) {
        const message = got[i]
        const what = `${content.name}, read by ${name}`
        expect(message?.topic, what).toBe(content.topic)
        expect(message?.payload.equals(content.payload), what).toBe(true)
        expect({ qos: message?.qos, retain: message?.retain }, what).toEqual({ qos, retain: false })
      }
      expect(got.length, name).toBe(CONTENTS.length)
    }
    expect(hub.hub.ledger.droppedTotal).toBe(0)
  })
})
