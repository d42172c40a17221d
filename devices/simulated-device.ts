import type { IPublishPacket } from 'mqtt'
import { announce, homeAssistantDiscovery } from './announcement.ts'
import { type Behaviour, type Device, type Kind, ParametersInvalid } from './kind.ts'
import { Connection, type ConnectionOwner, type ProtocolVersion } from './network/connection.ts'
import type { LinkOpener } from './network/link.ts'
import { PayloadInvalid, readRequest, replyOnly, replyText } from './network/request.ts'
import type { Tally } from './network/tally.ts'
import type { Reply, Status } from './payloads.ts'
import { commandOf, type DeviceTopics, deviceTopics } from './topics.ts'
import type { Clock } from './world/clock.ts'
import { Random } from './world/random.ts'

/** What goes wrong with a device; times are simulated. */
export interface Faults {
  /** How long bytes are on their way, in each direction. */
  readonly latencyMs: number
  /** How often, about, the connection is lost without a word; 0 is never. */
  readonly dropEverySeconds: number
  /** How far its clock is ahead. */
  readonly clockSkewSeconds: number
}

export interface SimulatedDeviceOptions {
  readonly id: string
  readonly name: string
  readonly kind: Kind
  readonly everySeconds: number
  readonly version: ProtocolVersion
  readonly openLink: LinkOpener
  readonly credentials: { readonly username?: string; readonly password?: string }
  readonly faults: Faults
  readonly seed: number
  readonly clock: Clock
  readonly tally: Tally
  /** Whether it makes itself known to Home Assistant. */
  readonly isHomeAssistantTold: boolean
}

/** How often each happened, for whoever checks that it all arrived. */
export interface Facts {
  events: number
  readings: number
  cuts: number
}

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain'
/** Simulated; a device that is lost comes back after about this long. */
const RECONNECT_SECONDS = 2
/** How long a device that falls asleep waits for the broker. */
const LEAVE_DEADLINE_MS = 5000

/** One device: a behaviour, the time it lives in, and its connection. This is the only place where the three meet. */
export class SimulatedDevice implements Device, ConnectionOwner {
  readonly id: string
  readonly topics: DeviceTopics
  readonly random: Random
  readonly facts: Facts = { events: 0, readings: 0, cuts: 0 }
  readonly connection: Connection
  readonly #options: SimulatedDeviceOptions
  readonly #behaviour: Behaviour
  /** The randomness of the network, kept apart so that the values do not depend on it. */
  readonly #luck: Random
  #stepDueMs: number
  /** The simulated time of the step under way, which may be late: values do not depend on how busy the machine is. */
  #dueMs: number | undefined
  #status: Status = 'online'
  #isStopped = false
  #isWakeWanted = false
  #cancelWake: (() => void) | undefined

  constructor(options: SimulatedDeviceOptions) {
    const { id, kind, everySeconds, seed, clock, tally, version, openLink, credentials } = options
    this.id = id
    this.#options = options
    this.topics = deviceTopics(id)
    this.random = new Random(seed, id)
    this.#luck = new Random(seed, `${id}/network`)
    // Devices of one kind do not all speak at once.
    this.#stepDueMs = clock.startMs + this.#luck.next() * everySeconds * 1000
    const subscriptions = [
      ...(Object.keys(kind.commands).length > 0 ? [this.topics.commands] : []),
      ...(kind.rooms ?? []),
    ]
    this.connection = new Connection(
      {
        clientId: id,
        version,
        keepsSession: kind.keepsSession === true,
        openLink,
        credentials,
        will: { topic: this.topics.status, payload: 'offline' satisfies Status },
        subscriptions,
        reconnectMs: Math.max(1, clock.realMs(RECONNECT_SECONDS * this.#luck.between(500, 1500))),
        tally,
      },
      this,
    )
    this.#behaviour = kind.create(this)
  }

  get kind(): Kind {
    return this.#options.kind
  }

  get nowMs(): number {
    const { clock, faults } = this.#options
    return Math.round((this.#dueMs ?? clock.nowMs) + faults.clockSkewSeconds * 1000)
  }

  /** Switches it on. */
  start(): void {
    const { id, name, kind, version, clock, everySeconds, isHomeAssistantTold } = this.#options
    this.#publish(this.topics.about, JSON.stringify(announce(kind, id, name, version)), { isRetained: true })
    const discovery = isHomeAssistantTold ? homeAssistantDiscovery(kind, id, name, this.topics) : undefined
    if (discovery !== undefined) this.#publish(discovery.topic, discovery.payload, { isRetained: true })
    this.#atTime(clock.startMs, () => this.#behaviour.start?.())
    this.connection.open()
    this.#scheduleStep(everySeconds)
    this.#scheduleDrop()
  }

  /** Ends steps and faults, and nothing else: what is due still goes out. */
  settle(): void {
    this.#isStopped = true
    if (this.connection.outbox.pending > 0) this.wake()
  }

  /** Says that it goes, then DISCONNECT. What is not acknowledged by the deadline stays in `connection.outbox`. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopped = true
    this.#cancelWake?.()
    // For one that lost its connection the will has said it, and one that is asleep is not woken to say it.
    if (this.#status === 'online' && this.connection.isOnline) this.#setStatus('offline')
    await this.connection.leave(deadlineMs)
  }

  telemetry(payload: object | Uint8Array): void {
    const { telemetry } = this.#options.kind
    const { qos = 0, contentType = JSON_TYPE } = telemetry ?? {}
    const bytes = payload instanceof Uint8Array ? Buffer.from(payload) : JSON.stringify(payload)
    if (qos === 0) {
      this.connection.publishNow(this.topics.telemetry, bytes, contentType)
    } else {
      this.facts.readings++
      this.connection.outbox.push({ topic: this.topics.telemetry, payload: bytes, qos, retain: false, contentType })
    }
  }

  state(payload: object): void {
    this.#publish(this.topics.state, JSON.stringify(payload), { isRetained: true })
  }

  event(payload: object): void {
    this.facts.events++
    this.#publish(this.topics.event, JSON.stringify(payload))
  }

  say(topic: string, payload: object | string): void {
    if (typeof payload === 'string') this.#publish(topic, payload, { contentType: TEXT_TYPE })
    else this.#publish(topic, JSON.stringify(payload))
  }

  after(seconds: number, action: () => void): void {
    this.#options.clock.after(seconds, action)
  }

  sleep(seconds: number): void {
    if (this.#status === 'online' && !this.#isStopped) void this.#sleep(seconds)
  }

  wake(): void {
    this.#isWakeWanted = true
    if (this.#cancelWake === undefined) return
    this.#cancelWake()
    this.#cancelWake = undefined
    this.#status = 'online'
    this.connection.open()
  }

  vanish(seconds: number): void {
    this.#cut(seconds)
  }

  connected(): void {
    // What was said before may have been overtaken by the will.
    this.#setStatus(this.#status)
  }

  received(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const command = commandOf(this.id, topic)
    if (command === undefined) this.#behaviour.heard?.(topic, payload)
    // A retained command would be obeyed again at every reconnect.
    else if (!packet.retain) void this.#obey(command, payload, packet)
  }

  async #obey(name: string, payload: Buffer, packet: IPublishPacket): Promise<void> {
    let request = replyOnly(packet)
    let reply: Reply
    try {
      request = readRequest(payload, packet)
      reply = await this.#run(name, request.parameters)
    } catch (error) {
      if (!(error instanceof PayloadInvalid)) throw error
      reply = { ok: false, error: { code: 'PAYLOAD_INVALID', message: error.message } }
    }
    const { replyTopic, correlationData } = request
    if (replyTopic === undefined) return
    this.#options.tally.replies++
    this.connection.outbox.push({
      topic: replyTopic,
      payload: replyText(reply, request),
      qos: 1,
      retain: false,
      contentType: JSON_TYPE,
      ...(correlationData === undefined ? {} : { correlationData }),
    })
  }

  async #run(name: string, parameters: unknown): Promise<Reply> {
    const { commands } = this.#options.kind
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command === undefined) {
      const message = `${this.id} has no command ${JSON.stringify(name)}; it has: ${Object.keys(commands).join(', ')}`
      return { ok: false, error: { code: 'COMMAND_UNKNOWN', message } }
    }
    try {
      return { ok: true, result: await command.run(this.#behaviour, parameters) }
    } catch (error) {
      if (!(error instanceof ParametersInvalid)) throw error
      return { ok: false, error: { code: 'PARAMETERS_INVALID', message: error.message } }
    }
  }

  /** Leaves when all it had to say has arrived; a reason to wake that comes meanwhile holds. */
  async #sleep(seconds: number): Promise<void> {
    this.#isWakeWanted = false
    this.#setStatus('asleep')
    await this.connection.outbox.untilIdle()
    if (this.#isWakeWanted) {
      this.#setStatus('online')
      return
    }
    await this.connection.leave(LEAVE_DEADLINE_MS)
    if (this.#isStopped && !this.#isWakeWanted) return
    this.#cancelWake = this.#options.clock.after(seconds, () => {
      this.wake()
      this.#behaviour.woken?.()
    })
    if (this.#isWakeWanted) this.wake()
  }

  #scheduleStep(everySeconds: number): void {
    this.#options.clock.at(this.#stepDueMs, () => {
      if (this.#isStopped || this.#behaviour.step === undefined) return
      this.#atTime(this.#stepDueMs, () => this.#behaviour.step?.(everySeconds))
      this.#stepDueMs += everySeconds * 1000
      this.#scheduleStep(everySeconds)
    })
  }

  #atTime(timeMs: number, action: () => void): void {
    this.#dueMs = timeMs
    action()
    this.#dueMs = undefined
  }

  #scheduleDrop(): void {
    const { dropEverySeconds } = this.#options.faults
    if (dropEverySeconds <= 0) return
    this.#options.clock.after(this.#luck.waiting(dropEverySeconds), () => {
      if (this.#isStopped) return
      this.#cut(this.#luck.between(0.5, 1.5) * RECONNECT_SECONDS)
      this.#scheduleDrop()
    })
  }

  #cut(secondsAway: number): void {
    if (this.connection.cut(this.#options.clock.realMs(secondsAway * 1000))) this.facts.cuts++
  }

  #setStatus(status: Status): void {
    this.#status = status
    this.#publish(this.topics.status, status, { isRetained: true, contentType: TEXT_TYPE })
  }

  #publish(topic: string, payload: string, { isRetained = false, contentType = JSON_TYPE } = {}): void {
    this.connection.outbox.push({ topic, payload, qos: 1, retain: isRetained, contentType })
  }
}
