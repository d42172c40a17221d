import { createHash, randomBytes } from 'node:crypto'
import type { IClientOptions, IClientPublishOptions, MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Block } from '../../src/protocol/blocks.ts'
import { Message } from '../../src/protocol/message.ts'
import { until } from '../support/guard.ts'
import { type CarrierName, type ClientMessage, connectLibraryClient } from '../support/mqtt-clients.ts'
import { publishPacket } from '../support/packets.ts'
import { poisonMemory } from '../support/poison.ts'
import { connectRawClient, type RawClient } from '../support/raw-client.ts'
import { type HttpTestHub, startHubWithHttp } from '../support/start-hub.ts'
import { isPublish } from '../support/steps.ts'

const DIGEST_BYTES = 16
/** Around what is copied, what is sent from where it lies, what fits into a chunk, and what does not. */
const SIZES = [0, 8000, 8192, 20_000, 65_536, 150_000]
const RANDOM = randomBytes(400_000)
const ALIASES = 10
const ROUNDS = 2
/** What is carried is much for a machine that has other things to do. */
const CARRIED_MS = 40_000

/** A limit that no client of these tests comes near: nothing is dropped. */
const LIMITS = { maxOutputBytes: 256 * 1024 ** 2, maxQueuedBytes: 256 * 1024 ** 2, maxTopicAliasesSent: ALIASES }

function digestOf(topic: string, rest: Buffer): Buffer {
  return createHash('md5').update(topic).update(rest).digest()
}

/** A payload that tells whether it is whole and came under its topic. */
function sealed(topic: string, bytes: number): Buffer {
  const start = Math.floor(Math.random() * (RANDOM.length - bytes))
  const rest = RANDOM.subarray(start, start + bytes)
  return Buffer.concat([digestOf(topic, rest), rest])
}

function isWhole({ topic, payload }: { readonly topic: string; readonly payload: Buffer }): boolean {
  return digestOf(topic, payload.subarray(DIGEST_BYTES)).equals(payload.subarray(0, DIGEST_BYTES))
}

/** What publishers send: each size at each QoS as 3.1.1 and 5, there also with properties that receivers do not get as they came. */
function publishes(round: number) {
  const all: { readonly isVersion5: boolean; readonly topic: string; readonly options: IClientPublishOptions }[] = []
  for (const qos of [0, 1, 2] as const) {
    const variants: readonly IClientPublishOptions[] = [
      { qos },
      { qos, retain: true },
      { qos, properties: { contentType: 'application/octet-stream' } },
      { qos, properties: { topicAlias: 1 } },
      { qos, properties: { messageExpiryInterval: 3600 } },
    ]
    for (const [index, options] of variants.entries()) {
      all.push({ isVersion5: true, topic: `content/5/${qos}/${index}/${round}`, options })
      if (options.properties === undefined)
        all.push({ isVersion5: false, topic: `content/4/${qos}/${index}/${round}`, options })
    }
  }
  return all
}

class Counter {
  messages = 0
  readonly damaged: string[] = []

  count(message: Pick<ClientMessage, 'topic' | 'payload'>): void {
    this.messages++
    if (!isWhole(message)) this.damaged.push(`${message.topic}, ${message.payload.length} bytes`)
  }
}

const READERS: Readonly<Record<string, { readonly options: IClientOptions; readonly qos: 0 | 1 | 2 }>> = {
  '3.1.1 at QoS 0': { options: {}, qos: 0 },
  '3.1.1 at QoS 1': { options: {}, qos: 1 },
  '3.1.1 at QoS 2': { options: {}, qos: 2 },
  '3.1.1 at QoS 1, kept': { options: { clean: false, clientId: 'kept' }, qos: 1 },
  '5 at QoS 0 with aliases': {
    options: { protocolVersion: 5, properties: { topicAliasMaximum: ALIASES } },
    qos: 0,
  },
  '5 at QoS 2': { options: { protocolVersion: 5 }, qos: 2 },
}

interface Scene {
  readonly hub: HttpTestHub
  readonly publishers: { readonly 4: MqttClient; readonly 5: MqttClient }
  readonly counters: Readonly<Record<string, Counter>>
}

async function setScene(carrier: CarrierName): Promise<Scene> {
  const hub = await startHubWithHttp({ config: { limits: LIMITS } })
  const counters: Record<string, Counter> = {}
  for (const [name, { options, qos }] of Object.entries(READERS)) {
    const { client, messages } = await connectLibraryClient(hub, carrier, options)
    const counter = new Counter()
    counters[name] = counter
    messages.onPush((message) => counter.count(message))
    const properties = options.protocolVersion === 5 ? { properties: { subscriptionIdentifier: 7 } } : {}
    await client.subscribeAsync('content/#', { qos, ...properties })
  }
  const publishers = {
    4: (await connectLibraryClient(hub, carrier)).client,
    5: (await connectLibraryClient(hub, carrier, { protocolVersion: 5 })).client,
  }
  return { hub, publishers, counters }
}

/** A client that reads nothing from now on. */
async function freeze(hub: HttpTestHub): Promise<RawClient> {
  const frozen = await connectRawClient(hub.port)
  await frozen.subscribe(['content/#', 0])
  frozen.pause()
  return frozen
}

/** Publishes every kind of message once, and long runs of small ones. Returns how many. */
async function publishAll({ hub, publishers }: Scene, round: number): Promise<number> {
  let published = 0
  const sending: Promise<unknown>[] = []
  for (const { isVersion5, topic, options } of publishes(round)) {
    for (const bytes of SIZES) {
      sending.push(publishers[isVersion5 ? 5 : 4].publishAsync(topic, sealed(topic, bytes), options))
      published++
    }
  }
  const runs = await connectRawClient(hub.port)
  for (const [count, bytes] of [
    [300, 100],
    [40, 3000],
    [4, 20_000],
  ] as const) {
    const topic = `content/run/${bytes}/${round}`
    runs.send(...Array.from({ length: count }, () => publishPacket({ topic, payload: sealed(topic, bytes) })))
    published += count
  }
  await Promise.all(sending)
  return published
}

async function untilAllRead({ counters }: Scene, messages: number): Promise<void> {
  const state = () => Object.entries(counters).map(([name, counter]) => `${name}: ${counter.messages}`)
  await until(
    () => Object.values(counters).every((counter) => counter.messages >= messages),
    () => `${messages} messages at each; ${state().join(', ')}`,
    CARRIED_MS,
  )
}

describe.each<CarrierName>(['mqtt.js over TCP', 'mqtt.js over WebSocket'])('%s', (carrier) => {
  test('carries every payload whole, though memory is used again at once', { timeout: 60_000 }, async () => {
    poisonMemory()
    const scene = await setScene(carrier)
    const slow = await freeze(scene.hub)
    let published = 0
    for (let round = 0; round < ROUNDS; round++) {
      const leaving = await freeze(scene.hub)
      const due = publishAll(scene, round)
      // Goes while much is on its way to it.
      setImmediate(() => leaving.destroy())
      published += await due
      await untilAllRead(scene, published)
    }
    expect(Object.entries(scene.counters).map(([name, { messages, damaged }]) => [name, messages, damaged])).toEqual(
      Object.keys(READERS).map((name) => [name, published, []]),
    )

    slow.resume()
    await until(
      () => slow.received.filter(isPublish).length >= published,
      () => `${published} messages at the slow client`,
      CARRIED_MS,
    )
    expect(slow.received.filter(isPublish).filter((message) => !isWhole(message))).toEqual([])

    const late = await connectLibraryClient(scene.hub, carrier)
    await late.client.subscribeAsync('content/#', { qos: 1 })
    const retained = await late.messages.atLeast(ROUNDS * 6)
    expect(retained.filter((message) => !isWhole(message))).toEqual([])
    expect(scene.hub.hub.ledger.droppedTotal).toBe(scene.hub.hub.ledger.dropped['connection-lost'])
  })

  test('would be seen to damage payloads if an output kept a view of what was read', async () => {
    poisonMemory()
    const lend = vi.spyOn(Message.prototype, 'lend').mockImplementation(function (this: Message) {
      this.lentStart = this.start
      return new Block(this.bytes)
    })
    onTestFinished(() => lend.mockRestore())
    const hub = await startHubWithHttp()
    const { client, messages } = await connectLibraryClient(hub, carrier)
    // At QoS 1 the header is copied, and only the payload is sent from where it lies.
    await client.subscribeAsync('content', { qos: 1 })
    await client.publishAsync('content', sealed('content', 20_000), { qos: 1 })
    const [message] = await messages.atLeast(1)
    expect(message?.payload.length).toBe(DIGEST_BYTES + 20_000)
    expect(message !== undefined && isWhole(message)).toBe(false)
  })
})
