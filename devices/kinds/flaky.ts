import { type Behaviour, command, type Device, type Kind } from '../kind.ts'
import { FlakyCrash, FlakyEvent, FlakyTelemetry } from '../payloads.ts'
import { Drift, round } from '../world/curves.ts'

const BURSTS_PER_HOUR = 20
const BURST_EVENTS = 20
const CRASHES_PER_HOUR = 15

/**
 * A vibration sensor with a loose contact: it loses its connection without DISCONNECT, so that its will speaks for it, comes back a
 * while later, and sends what it missed in a burst.
 */
class Flaky implements Behaviour {
  readonly #device: Device
  readonly #vibration: Drift
  #seq = 0

  constructor(device: Device) {
    this.#device = device
    this.#vibration = new Drift(device.random, 1.5, 30)
  }

  step(elapsedSeconds: number): void {
    const { random, nowMs } = this.#device
    const reading: FlakyTelemetry = {
      atMs: nowMs,
      vibrationMillimetresPerSecond: round(Math.abs(3 + this.#vibration.after(elapsedSeconds)), 2),
    }
    this.#device.telemetry(reading)
    if (random.chance((CRASHES_PER_HOUR * elapsedSeconds) / 3600)) this.crash(random.integer(3, 20))
    if (!random.chance((BURSTS_PER_HOUR * elapsedSeconds) / 3600)) return
    for (let i = 0; i < BURST_EVENTS; i++) this.#say('shock', random.between(10, 60))
  }

  crash(secondsAway: number): void {
    this.#device.vanish(secondsAway)
    this.#device.after(secondsAway, () => this.#say('restarted', 0))
  }

  #say(event: FlakyEvent['event'], peak: number): void {
    const message: FlakyEvent = {
      seq: ++this.#seq,
      atMs: this.#device.nowMs,
      event,
      peakMillimetresPerSecond: round(peak, 1),
    }
    this.#device.event(message)
  }
}

export const flaky: Kind<Flaky> = {
  name: 'flaky',
  summary: 'drops its connection without DISCONNECT, sends bursts, comes back',
  everySeconds: 5,
  telemetry: { qos: 0, contentType: 'application/json', schema: FlakyTelemetry },
  event: FlakyEvent,
  commands: {
    crash: command({
      title: 'Lose the connection',
      parameters: FlakyCrash,
      result: FlakyCrash,
      run: (device: Flaky, { secondsAway }) => {
        device.crash(secondsAway)
        return { secondsAway }
      },
    }),
  },
  homeAssistant: ({ telemetry }) => ({
    vibration: {
      platform: 'sensor',
      name: null,
      state_class: 'measurement',
      unit_of_measurement: 'mm/s',
      state_topic: telemetry,
      value_template: '{{ value_json.vibrationMillimetresPerSecond }}',
    },
  }),
  create: (device) => new Flaky(device),
}
