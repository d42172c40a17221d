import { connect, type IPublishPacket, type MqttClient } from 'mqtt'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { onTestFinished } from 'vitest'
import { Fleet, type FleetOptions } from '../../devices/fleet.ts'
import { ChatMessage, Reply } from '../../devices/payloads.ts'
import type { Scenario } from '../../devices/scenario.ts'
import { commandTopic } from '../../devices/topics.ts'
import { Collected, guarded } from '../support/guard.ts'

/** A broker to run devices against. */
export interface Broker {
  readonly url: URL
  readonly webSocketUrl: URL
}

/** Runs a scenario against a broker until the test ends. */
export async function startFleet(
  broker: Broker,
  devices: Scenario['devices'],
  options: Partial<FleetOptions> & Pick<Partial<Scenario>, 'faults' | 'start'> = {},
): Promise<Fleet> {
  const { faults, start = '2026-01-15T12:00:00Z' } = options
  const scenario: Scenario = { summary: 'a test', start, devices, ...(faults === undefined ? {} : { faults }) }
  const fleet = new Fleet(scenario, { ...broker, ...options })
  onTestFinished(() => fleet.stop(2000))
  await fleet.start()
  return fleet
}

export interface Seen {
  readonly topic: string
  readonly payload: Buffer
  readonly packet: IPublishPacket
}

/** Somebody who listens to devices and commands them, over MQTT 5 or 3.1.1. */
export class Watcher {
  readonly seen = new Collected<Seen>('messages of devices')
  readonly #client: MqttClient
  readonly #version: 4 | 5
  #requests = 0

  private constructor(client: MqttClient, version: 4 | 5) {
    this.#client = client
    this.#version = version
    client.on('message', (topic, payload, packet) => this.seen.push({ topic, payload, packet }))
  }

  static async connect(
    { url }: Broker,
    version: 4 | 5 = 5,
    filters: readonly string[] = ['devices/#'],
    qos: 0 | 2 = 2,
  ): Promise<Watcher> {
    const client = connect(url.href, { protocolVersion: version, reconnectPeriod: 0 })
    onTestFinished(async () => {
      await client.endAsync(true)
    })
    const watcher = new Watcher(client, version)
    await guarded(
      new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve())
        client.once('error', reject)
      }),
      () => 'the watcher to connect',
    )
    await client.subscribeAsync([...filters, 'replies/#'], { qos })
    return watcher
  }

  /** The first message, past or to come, of a topic that `select` takes. */
  async until(topic: string, select: (payload: Buffer, packet: IPublishPacket) => boolean = () => true): Promise<Seen> {
    return guarded(
      this.seen.firstThat((seen) => (seen.topic === topic && select(seen.payload, seen.packet) ? seen : undefined)),
      () =>
        `a message on ${topic}; there was ${JSON.stringify([...new Set(this.seen.items.map((each) => each.topic))])}`,
    )
  }

  /** The first JSON of a topic, past or to come, that `select` takes; it must be as the schema says. */
  async untilJson<T extends TSchema>(
    topic: string,
    schema: T,
    select: (value: Static<T>) => boolean = () => true,
  ): Promise<Static<T>> {
    const { payload } = await this.until(topic, (each) => select(parse(schema, each)))
    return parse(schema, payload)
  }

  /** The first message of a room, past or to come, that `select` takes; plain text is nobody's. */
  async untilChat(topic: string, select: (message: ChatMessage) => boolean): Promise<ChatMessage> {
    const { payload } = await this.until(topic, (each) => select(chatOf(each)))
    return chatOf(payload)
  }

  /** Everything on a topic so far, as JSON. */
  all<T extends TSchema>(topic: string, schema: T): Static<T>[] {
    return this.seen.items.filter((each) => each.topic === topic).map(({ payload }) => parse(schema, payload))
  }

  publish(topic: string, payload: string | Buffer, retain = false): void {
    this.#client.publish(topic, payload, { qos: 1, retain })
  }

  /** Sends a command as its version of MQTT does, and gives the reply. */
  async request(id: string, command: string, parameters: object | string): Promise<Reply> {
    const correlation = `request ${++this.#requests}`
    const responseTopic = `replies/${correlation}`
    if (this.#version === 5) {
      const text = typeof parameters === 'string' ? parameters : JSON.stringify(parameters)
      const properties = { responseTopic, correlationData: Buffer.from(correlation) }
      this.#client.publish(commandTopic(id, command), text, { qos: 1, properties })
    } else {
      const text = JSON.stringify({ ...Object(parameters), responseTopic, correlationData: correlation })
      this.#client.publish(commandTopic(id, command), text, { qos: 1 })
    }
    const { payload, packet } = await this.until(responseTopic)
    const reply = parse(Reply, payload)
    const given = this.#version === 5 ? packet.properties?.correlationData?.toString() : reply.correlationData
    if (given !== correlation) throw new Error(`the reply has the correlation ${given}, not ${correlation}`)
    return reply
  }
}

/** Plain text is said by nobody in particular. */
function chatOf(payload: Buffer): ChatMessage {
  const text = payload.toString()
  return text.startsWith('{') ? parse(ChatMessage, payload) : { from: 'nobody', text }
}

/** Reads JSON, and throws what is wrong with it by a schema. */
export function parse<T extends TSchema>(schema: T, payload: Buffer): Static<T> {
  const value: unknown = JSON.parse(payload.toString())
  if (Value.Check(schema, value)) return value
  const [fault] = Value.Errors(schema, value)
  throw new Error(`${payload.toString()} is not as announced: ${fault?.instancePath} ${fault?.message}`)
}
