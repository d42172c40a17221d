import { encode } from 'cborg'
import { type Behaviour, type Device, type Kind } from '../kind.ts'
import { AirTelemetry } from '../payloads.ts'
import { clamp, dayCurve, Drift, round } from '../world/curves.ts'

const OUTDOOR_CO2 = 420

/** An air station on a thin link: its readings are CBOR, about a third shorter than JSON and with exact numbers. */
class Air implements Behaviour {
  readonly #device: Device
  readonly #weather: Drift
  readonly #pressure: Drift
  readonly #people: Drift
  readonly #dust: Drift

  constructor(device: Device) {
    this.#device = device
    this.#weather = new Drift(device.random, 2, 7200)
    this.#pressure = new Drift(device.random, 8, 43_200)
    this.#people = new Drift(device.random, 80, 1800)
    this.#dust = new Drift(device.random, 0.5, 3600)
  }

  step(elapsedSeconds: number): void {
    const { nowMs } = this.#device
    const temperature = 4 + 9 * dayCurve(nowMs, 15) + this.#weather.after(elapsedSeconds)
    const reading: AirTelemetry = {
      atMs: nowMs,
      temperatureCelsius: round(temperature, 2),
      humidityPercent: round(clamp(95 - 2.5 * temperature, 20, 100), 1),
      pressureHectopascals: round(1013 + this.#pressure.after(elapsedSeconds), 1),
      co2PartsPerMillion: Math.round(
        Math.max(OUTDOOR_CO2, OUTDOOR_CO2 + 250 * dayCurve(nowMs, 13) + this.#people.after(elapsedSeconds)),
      ),
      // Dust is never negative, and now and then there is much of it.
      dustMicrogramsPerCubicMetre: round(6 * Math.exp(this.#dust.after(elapsedSeconds)), 1),
    }
    this.#device.telemetry(encode(reading))
  }
}

export const air: Kind<Air> = {
  name: 'air',
  summary: 'an air station with readings in CBOR at QoS 0',
  everySeconds: 15,
  telemetry: { qos: 0, contentType: 'application/cbor', schema: AirTelemetry },
  commands: {},
  create: (device) => new Air(device),
}
