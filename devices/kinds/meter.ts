import { type Behaviour, command, type Device, type Kind } from '../kind.ts'
import { MeterState, MeterTelemetry, MeterTotal, Nothing } from '../payloads.ts'
import { clamp, dayCurve, Drift, hourOfDay } from '../world/curves.ts'

const STANDBY_WATTS = 120
const EVENING_WATTS = 600
const KETTLE_WATTS = 2000
const KETTLE_SECONDS = 180
const KETTLES_PER_DAY = 8
const DAY_TARIFF = { fromHour: 7, toHour: 23 }

/**
 * An energy meter. Its readings are sent at QoS 2 in a kept session, so none is ever doubled or missing: whoever adds up every
 * `energyWattHours` gets `totalWattHours` to the last watt-hour, however often the connection was lost.
 */
class Meter implements Behaviour {
  readonly #device: Device
  readonly #noise: Drift
  readonly #baseWattHours: number
  #totalWattHours: number
  /** What is not a whole watt-hour yet. */
  #rest = 0
  #kettleSeconds = 0
  #seq = 0
  #tariff: MeterState['tariff'] | undefined

  constructor(device: Device) {
    this.#device = device
    this.#noise = new Drift(device.random, 60, 120)
    this.#baseWattHours = device.random.integer(1_000_000, 9_000_000)
    this.#totalWattHours = this.#baseWattHours
  }

  start(): void {
    this.#tellTariff()
  }

  step(elapsedSeconds: number): void {
    const { nowMs } = this.#device
    const powerWatts = this.#power(nowMs, elapsedSeconds)
    this.#rest += (powerWatts * elapsedSeconds) / 3600
    const energyWattHours = Math.floor(this.#rest)
    this.#rest -= energyWattHours
    this.#totalWattHours += energyWattHours
    const reading: MeterTelemetry = {
      seq: ++this.#seq,
      atMs: nowMs,
      powerWatts,
      energyWattHours,
      totalWattHours: this.#totalWattHours,
    }
    this.#device.telemetry(reading)
    this.#tellTariff()
  }

  total(): { atMs: number; seq: number; totalWattHours: number } {
    return { atMs: this.#device.nowMs, seq: this.#seq, totalWattHours: this.#totalWattHours }
  }

  #power(nowMs: number, elapsedSeconds: number): number {
    const { random } = this.#device
    this.#kettleSeconds -= elapsedSeconds
    if (random.chance((KETTLES_PER_DAY * elapsedSeconds) / 86_400)) this.#kettleSeconds = KETTLE_SECONDS
    const evening = EVENING_WATTS * dayCurve(nowMs, 19) ** 2
    const kettle = this.#kettleSeconds > 0 ? KETTLE_WATTS : 0
    return Math.round(clamp(STANDBY_WATTS + evening + kettle + this.#noise.after(elapsedSeconds), 5, 10_000))
  }

  #tellTariff(): void {
    const hour = hourOfDay(this.#device.nowMs)
    const tariff = hour >= DAY_TARIFF.fromHour && hour < DAY_TARIFF.toHour ? 'day' : 'night'
    if (tariff === this.#tariff) return
    this.#tariff = tariff
    const state: MeterState = { atMs: this.#device.nowMs, baseWattHours: this.#baseWattHours, tariff }
    this.#device.state(state)
  }
}

export const meter: Kind<Meter> = {
  name: 'meter',
  summary: 'readings at QoS 2 that are never double or missing, with a running total',
  everySeconds: 10,
  keepsSession: true,
  telemetry: { qos: 2, contentType: 'application/json', schema: MeterTelemetry },
  state: MeterState,
  commands: {
    read: command({
      title: 'Read the total',
      parameters: Nothing,
      result: MeterTotal,
      run: (device: Meter) => device.total(),
    }),
  },
  homeAssistant: ({ telemetry }) => ({
    energy: {
      platform: 'sensor',
      device_class: 'energy',
      state_class: 'total_increasing',
      unit_of_measurement: 'Wh',
      state_topic: telemetry,
      value_template: '{{ value_json.totalWattHours }}',
    },
    power: {
      platform: 'sensor',
      name: null,
      device_class: 'power',
      state_class: 'measurement',
      unit_of_measurement: 'W',
      state_topic: telemetry,
      value_template: '{{ value_json.powerWatts }}',
    },
  }),
  create: (device) => new Meter(device),
}
