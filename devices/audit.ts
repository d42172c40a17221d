import { randomUUID } from 'node:crypto'
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Fleet } from './fleet.ts'
import { MeterState, MeterTelemetry } from './payloads.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import { DEVICE_FILTERS, deviceOf } from './topics.ts'

/** What was seen of one device. */
interface Sightings {
  /** The numbers of its events, as they first came: at QoS 1 some may come again after a lost connection. */
  readonly events: Set<number>
  redeliveries: number
  readonly readings: MeterTelemetry[]
  baseWattHours: number | undefined
  /** How often it was said to be offline, which while it runs only its will says. */
  wills: number
}

/** Something that did not arrive as it was published. */
export interface Discrepancy {
  readonly device: string
  readonly what: 'events' | 'readings' | 'wills' | 'energy'
  readonly said: string
  readonly seen: string
}

/** What an audit compared. */
export interface AuditResult {
  readonly events: number
  /** Events that came more than once, which QoS 1 allows. */
  readonly redeliveries: number
  readonly readings: number
  readonly wills: number
  readonly discrepancies: readonly Discrepancy[]
}

const Numbered = Type.Object({ seq: Type.Integer() })
const LOOK_EVERY_MS = 50
/** Its session outlives a restart of the broker. */
const SESSION_EXPIRY_SECONDS = 300

/**
 * Subscribes beside a fleet and compares what arrives with what its devices say they did: every event at least once, every reading
 * exactly once, both in order, energies that add up to the totals, and a will for every lost connection. It counts from its start,
 * so it must be started before the fleet, and no other devices may have the same ids.
 */
export class Audit {
  readonly #client: MqttClient
  readonly #sightings = new Map<string, Sightings>()

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('message', (topic, payload, packet) => this.#see(topic, payload, packet))
    client.on('error', () => undefined) // It comes back by itself, to its session.
  }

  /** Connects to a broker with MQTT 5 and subscribes. Rejects when it cannot. */
  static async start(url: URL): Promise<Audit> {
    const client = await connectAsync(url.href, {
      clientId: `audit-${randomUUID()}`,
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: SESSION_EXPIRY_SECONDS },
    })
    const audit = new Audit(client)
    const { event, telemetry, status, state } = DEVICE_FILTERS
    await client.subscribeAsync([event, telemetry, status, state], { qos: 2 })
    return audit
  }

  /** Compares, as soon as all of a settled fleet has arrived, or else after `patienceMs`. */
  async compare(fleet: Fleet, patienceMs: number): Promise<AuditResult> {
    const deadline = performance.now() + patienceMs
    while (this.#discrepancies(fleet).length > 0 && performance.now() < deadline) {
      await new Promise((resolve) => {
        setTimeout(resolve, LOOK_EVERY_MS)
      })
    }
    const facts = fleet.devices.map((device) => device.facts)
    return {
      events: facts.reduce((sum, { events }) => sum + events, 0),
      redeliveries: fleet.devices.reduce((sum, { id }) => sum + this.#sightingsOf(id).redeliveries, 0),
      readings: facts.reduce((sum, { readings }) => sum + readings, 0),
      wills: facts.reduce((sum, { cuts }) => sum + cuts, 0),
      discrepancies: this.#discrepancies(fleet),
    }
  }

  /** Leaves, and leaves no session behind. */
  async stop(): Promise<void> {
    await this.#client.endAsync(false, { properties: { sessionExpiryInterval: 0 } })
  }

  #see(topic: string, payload: Buffer, { retain }: IPublishPacket): void {
    const place = deviceOf(topic)
    if (place === undefined) return
    const seen = this.#sightingsOf(place.id)
    switch (place.channel) {
      case 'status':
        if (!retain && payload.toString() === 'offline') seen.wills++
        break
      case 'event': {
        const value = parseJson(payload)
        if (!Value.Check(Numbered, value)) break
        if (seen.events.has(value.seq)) seen.redeliveries++
        seen.events.add(value.seq)
        break
      }
      case 'telemetry': {
        // Pictures are long, and no readings.
        const value = payload.length < 1000 ? parseJson(payload) : undefined
        if (Value.Check(MeterTelemetry, value)) seen.readings.push(value)
        break
      }
      case 'state': {
        const value = parseJson(payload)
        if (Value.Check(MeterState, value)) seen.baseWattHours = value.baseWattHours
      }
    }
  }

  #sightingsOf(id: string): Sightings {
    let seen = this.#sightings.get(id)
    if (seen === undefined) {
      seen = { events: new Set(), redeliveries: 0, readings: [], baseWattHours: undefined, wills: 0 }
      this.#sightings.set(id, seen)
    }
    return seen
  }

  #discrepancies(fleet: Fleet): Discrepancy[] {
    return fleet.devices.flatMap((device) => compareOne(device, this.#sightingsOf(device.id)))
  }
}

function compareOne({ id, facts }: SimulatedDevice, seen: Sightings): Discrepancy[] {
  const found: Discrepancy[] = []
  const readingNumbers = seen.readings.map(({ seq }) => seq)
  const eventNumbers = [...seen.events]
  if (!isOneToN(eventNumbers, facts.events)) {
    found.push({ device: id, what: 'events', said: `1 to ${facts.events}`, seen: gist(eventNumbers) })
  }
  if (!isOneToN(readingNumbers, facts.readings)) {
    found.push({ device: id, what: 'readings', said: `1 to ${facts.readings}`, seen: gist(readingNumbers) })
  }
  if (seen.wills !== facts.cuts) {
    found.push({ device: id, what: 'wills', said: String(facts.cuts), seen: String(seen.wills) })
  }
  const last = seen.readings.at(-1)
  if (last !== undefined) {
    const sum = seen.readings.reduce((total, { energyWattHours }) => total + energyWattHours, seen.baseWattHours ?? 0)
    if (sum !== last.totalWattHours) {
      found.push({ device: id, what: 'energy', said: `${last.totalWattHours} Wh`, seen: `${sum} Wh` })
    }
  }
  return found
}

/** Whether the numbers are 1, 2, … to `count`, in this order. */
function isOneToN(numbers: readonly number[], count: number): boolean {
  return numbers.length === count && numbers.every((number, index) => number === index + 1)
}

/** Where a row of numbers goes wrong. */
function gist(numbers: readonly number[]): string {
  const index = numbers.findIndex((number, at) => number !== at + 1)
  if (index === -1) return `1 to ${numbers.length}`
  return `${numbers.length}, at ${index + 1} there is ${numbers[index]}`
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return undefined
  }
}
