import { type IClientOptions, type IClientPublishOptions, type IPublishPacket, MqttClient } from 'mqtt'
import type { Link, LinkOpener } from './link.ts'
import { isRefusal, MAX_IN_FLIGHT, Outbox, type Outgoing, wasDoneBefore } from './outbox.ts'
import type { Tally } from './tally.ts'

/** What MQTT calls its versions: 4 is 3.1.1. */
export type ProtocolVersion = 4 | 5

/** What a connection of a device is made from. */
export interface ConnectionOptions {
  readonly clientId: string
  readonly version: ProtocolVersion
  readonly keepsSession: boolean
  readonly openLink: LinkOpener
  readonly credentials: { readonly username?: string; readonly password?: string }
  /** Retained, at QoS 1. */
  readonly will: { readonly topic: string; readonly payload: string }
  /** At QoS 1. */
  readonly subscriptions: readonly string[]
  /** Milliseconds from a lost connection to the next try. */
  readonly reconnectMs: number
  readonly tally: Tally
}

/** The user of a connection. */
export interface ConnectionOwner {
  /** It is connected, its subscriptions are on their way. */
  connected(): void
  received(topic: string, payload: Buffer, packet: IPublishPacket): void
}

const KEEP_ALIVE_SECONDS = 60
const CONNECT_TIMEOUT_MS = 30_000
const SESSION_EXPIRY_SECONDS = 86_400
/** How many bytes at QoS 0 may wait for a slow network before a device skips a message. */
const MAX_UNSENT_BYTES = 1024 * 1024

/** The MQTT client of one device: it comes back when it is lost, and keeps what must arrive until it has. */
export class Connection {
  readonly outbox: Outbox
  readonly #options: ConnectionOptions
  readonly #owner: ConnectionOwner
  #client: MqttClient | undefined
  #link: Link | undefined
  #linkError: Error | undefined
  #isOnline = false
  #wasOnline = false

  constructor(options: ConnectionOptions, owner: ConnectionOwner) {
    this.#options = options
    this.#owner = owner
    this.outbox = new Outbox((message, done) => this.#send(message, done))
  }

  get isOnline(): boolean {
    return this.#isOnline
  }

  /** Whether it was connected at least once. */
  get wasOnline(): boolean {
    return this.#wasOnline
  }

  /** Connects, and from then on comes back by itself until `leave` or `end`. */
  open(): void {
    const { clientId, subscriptions, tally } = this.#options
    const client = new MqttClient(() => this.#openStream(), this.#clientOptions())
    this.#client = client
    let isSubscribed = false
    client.on('connect', () => {
      this.#isOnline = true
      this.#wasOnline = true
      tally.connected++
      tally.connects++
      client.options.reconnectPeriod = this.#options.reconnectMs
      // After that mqtt.js subscribes by itself where the broker has no session.
      if (!isSubscribed && subscriptions.length > 0) {
        // No Local: who speaks in a room does not hear itself.
        const options = this.#options.version === 5 ? { qos: 1 as const, nl: true } : { qos: 1 as const }
        client.subscribe([...subscriptions], options, (error) => {
          isSubscribed = error === null
          if (error !== null && this.#isOnline) tally.failed(`${clientId}: cannot subscribe: ${error.message}`)
        })
      }
      this.#owner.connected()
      this.outbox.open(client.serverProperties?.receiveMaximum ?? MAX_IN_FLIGHT)
    })
    client.on('close', () => this.#lost())
    client.on('message', (topic, payload, packet) => {
      tally.received++
      this.#owner.received(topic, payload, packet)
    })
    client.on('error', (error) => {
      if (error !== this.#linkError) tally.failed(`${this.#options.clientId}: ${error.message}`)
    })
  }

  /** Publishes at QoS 0, or skips it when there is no connection or a slow one. */
  publishNow(topic: string, payload: string | Buffer, contentType: string): void {
    const { tally } = this.#options
    if (!this.#isOnline || this.#client === undefined || (this.#link?.stream.writableLength ?? 0) > MAX_UNSENT_BYTES) {
      tally.skipped++
      return
    }
    tally.published++
    this.#client.publish(topic, payload, { qos: 0, ...this.#properties({ contentType }) })
  }

  /** Loses the connection without a word and comes back after a while, in milliseconds. Returns false if there is none. */
  cut(awayMs = this.#options.reconnectMs): boolean {
    if (!this.#isOnline || this.#client === undefined) return false
    this.#client.options.reconnectPeriod = Math.max(1, awayMs)
    this.#options.tally.cuts++
    this.#link?.cut()
    return true
  }

  /**
   * Says DISCONNECT and does not come back until `open`. What is not acknowledged after `deadlineMs` is given up; a connection that
   * is not there, or does not end by then, is ended hard.
   */
  async leave(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs
    const rest = (): number => Math.max(0, deadline - performance.now())
    if (this.#isOnline) await withDeadline(this.outbox.untilIdle(), rest() / 2)
    const client = this.#client
    if (client === undefined) return
    this.#client = undefined
    this.outbox.close()
    if (this.#isOnline) {
      // mqtt.js would hold DISCONNECT back until nothing is in flight, even forever.
      client.outgoing = {}
      const link = this.#link
      const isLeft = await withDeadline(client.endAsync(false), rest())
      this.outbox.reclaim()
      // mqtt.js is done when it has sent DISCONNECT, we are when the broker has read it and closed.
      if (isLeft && (link === undefined || (await withDeadline(link.closed, rest())))) return
    }
    await client.endAsync(true)
    this.#link?.cut()
    this.outbox.reclaim()
  }

  #lost(): void {
    if (this.#isOnline) this.#options.tally.connected--
    this.#isOnline = false
    this.outbox.close()
  }

  #openStream() {
    this.#link = this.#options.openLink()
    const { stream } = this.#link
    // mqtt.js passes on only errors that have a code, and a refused WebSocket has none.
    stream.on('error', (error: Error) => {
      this.#linkError = error
      this.#options.tally.failed(`${this.#options.clientId}: cannot connect: ${describe(error)}`)
    })
    return stream
  }

  #send(message: Outgoing, done: (error?: Error) => void): void {
    const { tally } = this.#options
    const { topic, payload, qos, retain } = message
    tally.published++
    this.#client?.publish(topic, payload, { qos, retain, ...this.#properties(message) }, (error) => {
      const isDone = error === undefined || error === null || wasDoneBefore(error)
      if (isDone) tally.acknowledged++
      else if (isRefusal(error)) tally.failed(`${this.#options.clientId}: ${topic} was refused: ${error.message}`)
      else tally.published--
      done(isDone ? undefined : error)
    })
  }

  /** What only MQTT 5 can say. */
  #properties({
    contentType,
    correlationData,
  }: Pick<Outgoing, 'contentType' | 'correlationData'>): IClientPublishOptions {
    if (this.#options.version !== 5) return {}
    return {
      properties: {
        ...(contentType === undefined
          ? {}
          : { contentType, payloadFormatIndicator: contentType === 'application/json' }),
        ...(correlationData === undefined ? {} : { correlationData }),
      },
    }
  }

  #clientOptions(): IClientOptions {
    const { clientId, version, keepsSession, credentials, will, reconnectMs } = this.#options
    return {
      clientId,
      protocolVersion: version,
      clean: !keepsSession,
      keepalive: KEEP_ALIVE_SECONDS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: reconnectMs,
      reconnectOnConnackError: true,
      queueQoSZero: false,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
      ...credentials,
      ...(version === 5 && keepsSession ? { properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS } } : {}),
    }
  }
}

/** Whether `work` was done in time. */
async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs)
  })
  try {
    return await Promise.race([work.then(() => true), deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** An AggregateError of several addresses has no message of its own. */
function describe(error: Error): string {
  if (error.message !== '') return error.message
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
