import { setTimeout as sleep } from 'node:timers/promises'
import { KINDS } from './kinds.ts'
import { openLink } from './network/link.ts'
import { Tally } from './network/tally.ts'
import { idsOf, type Scenario, type ScenarioGroup, ScenarioInvalid } from './scenario.ts'
import { type Faults, SimulatedDevice } from './simulated-device.ts'
import { Clock } from './world/clock.ts'

/** Where the devices connect, and what the command line changes in the scenario. */
export interface FleetOptions {
  /** A URL of one of SCHEMES, with user and password if the broker requires them. */
  readonly url: URL
  /** For devices that use WebSocket; without it they connect like the others. */
  readonly webSocketUrl?: URL | undefined
  readonly seed?: number | undefined
  readonly speed?: number | undefined
  readonly isHomeAssistantTold?: boolean
}

/** How many devices connect at once: few enough for a broker's backlog. */
const CONNECTING_AT_ONCE = 100
const CONNECTING_PAUSE_MS = 5
/** Devices that cannot connect hold up the others for no longer than this. */
const CONNECTING_PATIENCE_MS = 1000
const NO_FAULTS: Faults = { latencyMs: 0, dropEverySeconds: 0, clockSkewSeconds: 0 }

/** All devices of a scenario in this process. */
export class Fleet {
  readonly devices: readonly SimulatedDevice[]
  readonly tally = new Tally()
  readonly clock: Clock
  readonly #scenario: Scenario
  readonly #options: FleetOptions
  #started = 0
  #isStopped = false

  /** Makes the devices; none connects before `start`. Throws ScenarioInvalid for a kind that is not there. */
  constructor(scenario: Scenario, options: FleetOptions) {
    const { speed = scenario.speed ?? 1 } = options
    this.#scenario = scenario
    this.#options = options
    this.clock = new Clock({ speed, ...(scenario.start === undefined ? {} : { startMs: Date.parse(scenario.start) }) })
    this.devices = scenario.devices.flatMap((group) => idsOf(group).map((id) => this.#createDevice(group, id)))
  }

  /** Messages of QoS 1 and 2 that are not acknowledged yet. */
  get pending(): number {
    return this.devices.reduce((sum, { connection }) => sum + connection.outbox.pending, 0)
  }

  /** Messages that will never arrive, since the broker refused them or too many waited. */
  get lost(): number {
    return this.devices.reduce((sum, { connection }) => sum + connection.outbox.lost, 0)
  }

  /** Switches all devices on, some at a time. */
  async start(): Promise<void> {
    for (const device of this.devices) {
      const patienceEndsMs = performance.now() + CONNECTING_PATIENCE_MS
      while (this.#started - this.tally.connects >= CONNECTING_AT_ONCE && performance.now() < patienceEndsMs) {
        await sleep(CONNECTING_PAUSE_MS)
      }
      if (this.#isStopped) return
      device.start()
      this.#started++
    }
  }

  /** Lets nothing new happen, and resolves when everything published is acknowledged. */
  async settle(): Promise<void> {
    this.#isStopped = true
    const started = this.devices.slice(0, this.#started)
    for (const device of started) device.settle()
    await Promise.all(started.map(({ connection }) => connection.outbox.untilIdle()))
  }

  /** Every device publishes that it is offline, then sends DISCONNECT; one that cannot by the deadline is cut off. */
  async stop(deadlineMs: number): Promise<void> {
    this.#isStopped = true
    this.clock.stop()
    await Promise.all(this.devices.slice(0, this.#started).map((device) => device.stop(deadlineMs)))
  }

  #createDevice(group: ScenarioGroup, id: string): SimulatedDevice {
    const kind = KINDS.get(group.kind)
    if (kind === undefined) throw new ScenarioInvalid(`Cannot start "${id}": there is no kind "${group.kind}"`)
    const { url, webSocketUrl = url, isHomeAssistantTold = false, seed = this.#scenario.seed ?? 1 } = this.#options
    const faults = { ...NO_FAULTS, ...this.#scenario.faults, ...group.faults }
    const target = (group.transport ?? kind.transport) === 'websocket' ? webSocketUrl : url
    const latencyMs = this.clock.realMs(faults.latencyMs)
    return new SimulatedDevice({
      id,
      name: nameOf(id),
      kind,
      everySeconds: group.everySeconds ?? kind.everySeconds,
      version: group.protocol === '3.1.1' ? 4 : 5,
      openLink: () => openLink(target, latencyMs),
      credentials: credentialsOf(url),
      faults,
      seed,
      clock: this.clock,
      tally: this.tally,
      isHomeAssistantTold,
    })
  }
}

/** `lamp-kitchen` is "Lamp kitchen". */
function nameOf(id: string): string {
  const words = id.replaceAll(/[-_.]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function credentialsOf({ username, password }: URL): { username?: string; password?: string } {
  if (username === '') return {}
  return {
    username: decodeURIComponent(username),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  }
}
