import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import { Outbox, receiptOf } from './outbox.ts'
import { glance, hashesOf } from './payload.ts'
import { listed } from './properties.ts'
import type { Arrived, BatchEntry, LinkChange, Outgoing, Receipt } from './protocol.ts'
import type { KeptPayloads } from './kept.ts'
import { refusalIn } from './reply.ts'

/** The session lives on for so long, so that a short outage loses nothing that was on its way. */
const SESSION_SECONDS = 30
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 15_000
/** After an outage of 10 s the pause is about 1.2 s: so the page is there again soon after the hub is. */
const PAUSE_GROWTH = 1.1
const CONNECT_MS = 8000
const KEEP_ALIVE_SECONDS = 20
/** Longer replies are not read for whether they say no. */
const REPLY_BYTES = 65_536
/** What is in flight outlives a lost connection. */
const STORE = { clean: false }

/** The page's connection to the hub: it tries forever, with growing pauses, and reports all that comes. */
export class Link {
  readonly #tell: (entry: BatchEntry) => void
  readonly #kept: KeptPayloads
  readonly #outbox: Outbox
  readonly #stores = { incomingStore: new mqtt.Store(STORE), outgoingStore: new mqtt.Store(STORE) }
  #client: MqttClient | undefined = undefined
  #clientId = ''
  #filter: string | undefined = undefined
  #pauseMs = FIRST_PAUSE_MS
  #timer: ReturnType<typeof setTimeout> | undefined = undefined
  #reason: string | undefined = undefined
  #isRefused = false
  #isHeld = false

  constructor(tell: (entry: BatchEntry) => void, kept: KeptPayloads) {
    this.#tell = tell
    this.#kept = kept
    this.#outbox = new Outbox(tell)
  }

  connect(url: string, clientId: string): void {
    this.#clientId = clientId
    this.#say('connecting')
    const client = mqtt.connect(url, {
      protocolVersion: 5,
      clientId,
      clean: false,
      // No topic aliases: of a message at QoS 2 that has one, mqtt.js 5.16 gives the topic as ''.
      properties: { sessionExpiryInterval: SESSION_SECONDS, receiveMaximum: 1000 },
      keepalive: KEEP_ALIVE_SECONDS,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      ...this.#stores,
      queueQoSZero: false,
      resubscribe: false,
      // The others need a `blob:` worker, which the page's policy forbids.
      timerVariant: 'native',
    })
    this.#client = client
    this.#outbox.attach(client, this.#replyTopic)
    client.on('connect', ({ properties, sessionPresent }) => {
      this.#pauseMs = FIRST_PAUSE_MS
      this.#reason = undefined
      this.#isRefused = false
      clearTimeout(this.#timer)
      this.#subscribeAll(sessionPresent)
      this.#outbox.online(properties)
      this.#say('online')
    })
    client.on('error', (error) => {
      this.#reason = error.message
      // Only what CONNACK says has one.
      if ('code' in error && typeof error.code === 'number') this.#isRefused = true
    })
    client.on('disconnect', ({ reasonCode, properties }) => {
      this.#reason = properties?.reasonString ?? `DISCONNECT 0x${(reasonCode ?? 0).toString(16)}`
      this.#isRefused = true
    })
    client.on('close', () => this.#closed())
    client.on('message', (topic, payload, packet) => this.#arrived(topic, payload, packet))
  }

  /** The browser is online again, or the page is looked at: no more waiting. */
  tryNow(): void {
    if (this.#client?.connected !== false || this.#timer === undefined || this.#isHeld) return
    this.#pauseMs = FIRST_PAUSE_MS
    this.#try()
  }

  /** Held, it does not try; then it does at once. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (!isHeld) this.tryNow()
    else if (this.#timer !== undefined) clearTimeout(this.#timer)
  }

  /** The filter of the open conversation; the one before is given up. */
  watch(filter: string | undefined): void {
    const before = this.#filter
    if (before === filter) return
    this.#filter = filter
    if (this.#client?.connected !== true) return
    if (before !== undefined) this.#client.unsubscribe(before)
    this.#subscribe(filter)
  }

  publish(message: Outgoing): void {
    this.#outbox.publish(message)
  }

  /** A message that the page sent, which does not come back to it, as if it had. */
  arrivedOf({ id, topic, payload, qos, retain }: Outgoing, atMs: number): Arrived {
    const bytes = new TextEncoder().encode(payload)
    return {
      kind: 'arrived',
      id: this.#kept.keep(bytes),
      topic,
      ...glance(bytes, topic),
      bytes: bytes.length,
      ...hashesOf(bytes, true),
      qos,
      retain,
      isDuplicate: false,
      atMs,
      receipt: id,
      correlation: undefined,
      publisher: this.#clientId,
      properties: [],
      omittedProperties: 0,
    }
  }

  get #replyTopic(): string {
    return `replies/${this.#clientId}`
  }

  #subscribeAll(isResumed: boolean): void {
    this.#client?.subscribe([`$hub/receipts/${this.#clientId}`, this.#replyTopic], { qos: 1, rh: 2 })
    this.#subscribe(this.#filter, isResumed)
  }

  #subscribe(filter: string | undefined, isResumed = false): void {
    // What is retained is fetched over HTTP: so RETAIN of a message that comes says how it was published. Without No Local the
    // page would be among the receivers of its own messages, and two ticks would be no news.
    if (filter === undefined) return
    this.#client?.subscribe(filter, { qos: 2, nl: true, rap: true, rh: 2 }, (error) => {
      if (error === null) this.#tell({ kind: 'watching', filter, isResumed })
      // Without a reason code it is the connection that failed: it will be subscribed to again.
      else if ('packet' in error) this.#tell({ kind: 'not-granted', filter, reason: error.message })
    })
  }

  #closed(): void {
    this.#outbox.offline()
    clearTimeout(this.#timer)
    const pauseMs = this.#pauseMs * (0.75 + Math.random() / 2)
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * PAUSE_GROWTH)
    this.#timer = setTimeout(() => {
      if (!this.#isHeld) this.#try()
    }, pauseMs)
    this.#say('offline', Date.now() + pauseMs)
  }

  #try(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isRefused = false
    this.#say('connecting')
    // Without them mqtt.js would forget what is in flight.
    this.#client?.reconnect(this.#stores)
  }

  #arrived(topic: string, payload: Uint8Array, packet: IPublishPacket): void {
    if (topic.startsWith('$hub/receipts/')) {
      this.#receipt(payload)
      return
    }
    const { properties, qos, dup } = packet
    const atMs = Date.now()
    const isReply = topic === this.#replyTopic
    const correlation =
      properties?.correlationData === undefined
        ? isReply
          ? correlationInJson(payload)
          : undefined
        : decode(properties.correlationData)
    if (isReply && correlation !== undefined) {
      const reason = glance(payload, topic).preview
      this.#tell({
        kind: 'send',
        id: correlation,
        step: 'reply',
        atMs,
        reasonCode: undefined,
        reason,
        receipt: undefined,
        refusal: payload.length > REPLY_BYTES ? undefined : refusalIn(decode(payload)),
      })
      return
    }
    const arrived: Arrived = {
      kind: 'arrived',
      id: this.#kept.keep(payload),
      topic,
      ...glance(payload, topic),
      bytes: payload.length,
      ...hashesOf(payload, true),
      qos,
      retain: packet.retain,
      isDuplicate: dup,
      atMs,
      receipt: receiptOf(packet),
      correlation,
      publisher: undefined,
      ...listed(propertiesOf(packet)),
    }
    this.#tell(arrived)
  }

  #receipt(payload: Uint8Array): void {
    const receipt: Receipt = JSON.parse(decode(payload))
    const { receipt: id, refused: reason } = receipt
    this.#tell({ kind: 'send', id, step: 'receipt', atMs: Date.now(), reasonCode: undefined, reason, receipt })
  }

  #say(state: LinkChange['state'], retryAtMs?: number): void {
    this.#tell({
      kind: 'link',
      state,
      atMs: Date.now(),
      retryAtMs,
      reason: this.#reason,
      isRefused: this.#isRefused,
      clientId: this.#clientId,
    })
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** Devices of MQTT 3.1.1 have no properties to reply with: they say it in the JSON. */
function correlationInJson(payload: Uint8Array): string | undefined {
  try {
    const reply: unknown = JSON.parse(decode(payload))
    if (typeof reply !== 'object' || reply === null || !('correlationData' in reply)) return undefined
    return typeof reply.correlationData === 'string' ? reply.correlationData : undefined
  } catch {
    return undefined
  }
}

function propertiesOf({ properties = {} }: IPublishPacket): [string, string][] {
  const { userProperties, ...rest } = properties
  const list: [string, string][] = []
  for (const [name, value] of Object.entries(rest)) {
    list.push([name, value instanceof Uint8Array ? decode(value) : String(value)])
  }
  for (const [name, value] of Object.entries(userProperties ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) list.push([`user: ${name}`, one])
  }
  return list
}
