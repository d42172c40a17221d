/** What one client publishes, every other reads byte for byte, whatever version of MQTT each speaks. */
import { createHash } from 'node:crypto'
import type { IClientOptions } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { mosquittoPub, mosquittoSub } from '../support/mosquitto.ts'
import {
  CARRIERS,
  type CarrierName,
  type ClientMessage,
  connectLibraryClient,
  MQTT_31,
} from '../support/mqtt-clients.ts'
import { startHubWithHttp, type HttpTestHub } from '../support/start-hub.ts'
import type { Collected } from '../support/guard.ts'
import { connectClient5 } from './client5.ts'

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

async function subscribeAll(hub: HttpTestHub, name: ClientName, qos: QoS): Promise<Collected<ClientMessage>> {
  if (name === 'mosquitto') return (await mosquittoSub(hub.port, { topics: ['#'], qos })).messages
  const { client, messages } = await connectLibraryClient(hub, name)
  await client.subscribeAsync('#', { qos })
  return messages
}

async function publishContents(hub: HttpTestHub, name: ClientName, qos: QoS): Promise<void> {
  if (name === 'mosquitto') {
    for (const { topic, payload } of CONTENTS) await mosquittoPub(hub.port, { topic, payload, qos })
    return
  }
  const { client } = await connectLibraryClient(hub, name)
  for (const { topic, payload } of CONTENTS) await client.publishAsync(topic, payload, { qos })
}

describe.each(QOS_LEVELS)('At QoS %i', (qos) => {
  test.each(CLIENTS)('what %s publishes is read byte for byte, in order, by each kind of client', async (publisher) => {
    const hub = await startHubWithHttp()
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

const VERSIONS = ['MQTT 3.1', 'MQTT 3.1.1', 'MQTT 5'] as const
type Version = (typeof VERSIONS)[number]

const LIBRARY_OPTIONS = {
  'MQTT 3.1': MQTT_31,
  'MQTT 3.1.1': { protocolVersion: 4 },
  'MQTT 5': { protocolVersion: 5 },
} as const satisfies Record<Version, IClientOptions>
const MOSQUITTO_ARGS: Readonly<Record<Version, readonly string[]>> = {
  'MQTT 3.1': ['-V', 'mqttv31'],
  'MQTT 3.1.1': ['-V', 'mqttv311'],
  'MQTT 5': ['-V', 'mqttv5'],
}
const READERS = (['mosquitto', 'mqtt.js over TCP', 'mqtt.js over WebSocket'] as const).flatMap((name) =>
  VERSIONS.map((version) => ({ name, version })),
)
/** Also what looks like the properties of MQTT 5 when it is read as another version. */
const VERSION_CONTENTS = [
  ...CONTENTS.filter(({ payload }) => payload.length < 1000),
  { name: 'a zero byte first', topic: 'zero', payload: Buffer.from([0, 1, 2]) },
  { name: 'a property first', topic: 'property', payload: Buffer.from([2, 1, 1, 0x78]) },
  { name: 'a hundred thousand bytes', topic: 'long', payload: Buffer.alloc(100_000, ALL_BYTES) },
]

interface Reader {
  readonly what: string
  readonly messages: Collected<ClientMessage>
}

/** Subscribes clients of every kind and version. */
async function subscribeVersions(hub: HttpTestHub, filter: string, qos: QoS): Promise<readonly Reader[]> {
  const subscribe = async (name: ClientName, version: Version): Promise<Collected<ClientMessage>> => {
    if (name === 'mosquitto')
      return (await mosquittoSub(hub.port, { topics: [filter], qos, args: MOSQUITTO_ARGS[version] })).messages
    const { client, messages } = await connectLibraryClient(hub, name, LIBRARY_OPTIONS[version])
    await client.subscribeAsync(filter, { qos })
    return messages
  }
  return Promise.all(
    READERS.map(async ({ name, version }) => ({
      what: `read by ${name} with ${version}`,
      messages: await subscribe(name, version),
    })),
  )
}

interface Publication {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain?: boolean
}

async function publishWith(
  hub: HttpTestHub,
  name: ClientName,
  version: Version,
  all: readonly Publication[],
): Promise<void> {
  if (name === 'mosquitto') {
    for (const one of all) await mosquittoPub(hub.port, { ...one, args: MOSQUITTO_ARGS[version] })
    return
  }
  const { client } = await connectLibraryClient(hub, name, LIBRARY_OPTIONS[version])
  for (const { topic, payload, qos, retain = false } of all) await client.publishAsync(topic, payload, { qos, retain })
}

describe.each(VERSIONS)('What is published with %s', (version) => {
  test.each(
    (['mosquitto', 'mqtt.js over TCP', 'mqtt.js over WebSocket'] as const).flatMap((name) =>
      QOS_LEVELS.map((qos) => ({ name, qos })),
    ),
  )(
    'by $name at QoS $qos is read byte for byte, in order, by each kind of client with each version',
    async ({ name, qos }) => {
      const hub = await startHubWithHttp()
      const readers = await subscribeVersions(hub, '#', qos)
      await publishWith(
        hub,
        name,
        version,
        VERSION_CONTENTS.map(({ topic, payload }) => ({ topic, payload, qos })),
      )
      const expected = VERSION_CONTENTS.map(({ topic, payload }) => ({ topic, payload, qos, retain: false }))
      for (const { what, messages } of readers) {
        await messages.atLeast(expected.length)
        expect(readable(messages.items), what).toEqual(readable(expected))
      }
      expect(hub.hub.ledger.droppedTotal).toBe(0)
    },
  )

  test.each(['mosquitto', 'mqtt.js over TCP'] as const)(
    'and retained by %s is found by each kind of client with each version',
    async (name) => {
      const hub = await startHubWithHttp()
      const all = QOS_LEVELS.map((qos) => ({
        topic: `kept/${qos}`,
        payload: Buffer.from([0, 5, qos]),
        qos,
        retain: true,
      }))
      await publishWith(hub, name, version, all)
      for (const { what, messages } of await subscribeVersions(hub, 'kept/#', 2)) {
        await messages.atLeast(all.length)
        // Order is promised within a topic and QoS.
        const found = [...messages.items].toSorted(byTopic)
        expect(readable(found), what).toEqual(readable(all))
      }
    },
  )

  test('as a will reaches each kind of client with each version', async () => {
    const hub = await startHubWithHttp()
    const readers = await subscribeVersions(hub, 'will', 1)
    const will = { topic: 'will', payload: Buffer.from([0, 255, 3]), qos: 1, retain: false } as const
    const { client } = await connectLibraryClient(hub, 'mqtt.js over TCP', { ...LIBRARY_OPTIONS[version], will })
    client.stream.destroy()
    for (const { what, messages } of readers) {
      await messages.atLeast(1)
      expect(readable(messages.items), what).toEqual(readable([will]))
    }
  })

  test.each(VERSIONS)('waits for a kept session of %s', async (readerVersion) => {
    const hub = await startHubWithHttp()
    const session = {
      ...LIBRARY_OPTIONS[readerVersion],
      ...(readerVersion === 'MQTT 5' ? { properties: { sessionExpiryInterval: 1000 } } : {}),
      clientId: 'away',
      clean: false,
      resubscribe: false,
    }
    const before = await connectLibraryClient(hub, 'mqtt.js over TCP', session)
    await before.client.subscribeAsync('t', { qos: 2 })
    await before.client.endAsync()
    const all = ([1, 2] as const).map((qos) => ({ topic: 't', payload: Buffer.from([0, qos]), qos, retain: false }))
    await publishWith(hub, 'mqtt.js over WebSocket', version, all)
    const after = await connectLibraryClient(hub, 'mqtt.js over TCP', session)
    const got = [...(await after.messages.atLeast(2))].toSorted((a, b) => a.qos - b.qos)
    expect(readable(got)).toEqual(readable(all))
  })
})

describe('The properties of a message of MQTT 5', () => {
  const PROPERTIES = {
    payloadFormatIndicator: true,
    messageExpiryInterval: 1000,
    contentType: 'text/plain',
    responseTopic: 'a/b',
    correlationData: Buffer.from([0, 1, 2, 255]),
    userProperties: { a: ['1', '2'], b: '3' },
  }

  test.each(QOS_LEVELS)('are left out for MQTT 3.1 and 3.1.1 at QoS %i, and nothing else is lost', async (qos) => {
    const hub = await startHubWithHttp()
    const publisher = await connectClient5(hub, 'mqtt.js over TCP', { autoAssignTopicAlias: true })
    const live = await subscribeVersions(hub, 't/#', qos)
    const live5 = await connectClient5(hub, 'mqtt.js over WebSocket')
    await live5.client.subscribeAsync('t/#', { qos })
    const all = VERSION_CONTENTS.filter(({ topic }) => topic !== 'bytes' && topic !== 'long').map(
      ({ topic, payload }) => ({ topic: `t/${topic}`, payload, qos, retain: false }),
    )
    for (const { topic, payload } of [...all, ...all]) {
      const retain = topic !== 't/empty'
      await publisher.client.publishAsync(topic, payload, { qos, retain, properties: { ...PROPERTIES } })
    }
    for (const { what, messages } of live) {
      await messages.atLeast(2 * all.length)
      expect(readable(messages.items), what).toEqual(readable([...all, ...all]))
    }
    const got = await live5.messages.atLeast(2 * all.length)
    const left = expect.toSatisfy((seconds) => seconds >= 990 && seconds <= 1000)
    for (const { properties } of got) expect(properties).toEqual({ ...PROPERTIES, messageExpiryInterval: left })
    const kept = all
      .filter(({ topic }) => topic !== 't/empty')
      .map(({ topic, payload }) => ({ topic, payload, qos, retain: true }))
    for (const { what, messages } of await subscribeVersions(hub, 't/#', 2)) {
      await messages.atLeast(kept.length)
      const found = [...messages.items].toSorted(byTopic)
      expect(readable(found), `retained, ${what}`).toEqual(readable(kept.toSorted(byTopic)))
    }
    expect(hub.hub.ledger.droppedTotal).toBe(0)
  })
})

function byTopic(a: ClientMessage, b: ClientMessage): number {
  return a.topic.localeCompare(b.topic)
}

/** Messages in a form that a failed test can show. */
function readable(messages: readonly ClientMessage[]): string[] {
  return messages.map(({ topic, payload, qos, retain }) => {
    const bytes = payload.length > 300 ? `${payload.length} bytes, ${digest(payload)}` : payload.toString('hex')
    return `${topic} ${bytes} QoS ${qos}${retain ? ' retained' : ''}`
  })
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
