import { type Behaviour, command, type Device, type Kind } from '../kind.ts'
import { DoorConfigure, DoorEvent, DoorState } from '../payloads.ts'
import { dayCurve, round } from '../world/curves.ts'

/** How long it stays connected after it sent something; commands that waited for it arrive in this time. */
const AWAKE_SECONDS = 5
const BATTERY_PERCENT_PER_WAKE = 0.002
/** At noon; at midnight nobody comes. */
const OPENINGS_PER_HOUR = 6

/**
 * A door sensor that lives on a battery: it sleeps with its connection closed and its session kept, wakes when the door moves or when
 * its heartbeat is due, says so at QoS 1, takes the commands that waited for it, and sleeps again.
 */
class Door implements Behaviour {
  readonly #device: Device
  #seq = 0
  #isOpen = false
  #batteryPercent: number
  #heartbeatSeconds = 600

  constructor(device: Device) {
    this.#device = device
    this.#batteryPercent = device.random.between(40, 100)
  }

  start(): void {
    this.#device.state(this.#state())
    this.#sleepSoon()
  }

  step(elapsedSeconds: number): void {
    const openingsNow = OPENINGS_PER_HOUR * dayCurve(this.#device.nowMs, 13)
    if (this.#isOpen || !this.#device.random.chance((openingsNow * elapsedSeconds) / 3600)) return
    this.#moved('opened')
    this.#device.after(this.#device.random.between(4, 40), () => this.#moved('closed'))
  }

  /** The heartbeat. */
  woken(): void {
    this.#say('woke')
  }

  configure(heartbeatSeconds: number): DoorState {
    this.#heartbeatSeconds = heartbeatSeconds
    const state = this.#state()
    this.#device.state(state)
    return state
  }

  #moved(event: 'opened' | 'closed'): void {
    this.#isOpen = event === 'opened'
    this.#device.wake()
    this.#say(event)
  }

  #say(event: DoorEvent['event']): void {
    this.#batteryPercent = Math.max(0, this.#batteryPercent - BATTERY_PERCENT_PER_WAKE)
    const message: DoorEvent = {
      seq: ++this.#seq,
      atMs: this.#device.nowMs,
      event,
      batteryPercent: round(this.#batteryPercent, 1),
    }
    this.#device.event(message)
    this.#device.state(this.#state())
    this.#sleepSoon()
  }

  #sleepSoon(): void {
    const saidBefore = this.#seq
    this.#device.after(AWAKE_SECONDS, () => {
      // Whatever happened meanwhile sends it to sleep later.
      if (this.#seq === saidBefore && !this.#isOpen) this.#device.sleep(this.#heartbeatSeconds)
    })
  }

  #state(): DoorState {
    return {
      atMs: this.#device.nowMs,
      isOpen: this.#isOpen,
      batteryPercent: round(this.#batteryPercent, 1),
      heartbeatSeconds: this.#heartbeatSeconds,
    }
  }
}

export const door: Kind<Door> = {
  name: 'door',
  summary: 'events at QoS 1, battery, sleeps and comes back to its kept session',
  everySeconds: 20,
  keepsSession: true,
  state: DoorState,
  event: DoorEvent,
  commands: {
    configure: command({
      title: 'Set the heartbeat',
      parameters: DoorConfigure,
      result: DoorState,
      run: (device: Door, { heartbeatSeconds }) => device.configure(heartbeatSeconds),
    }),
  },
  homeAssistant: ({ state }) => ({
    door: {
      platform: 'binary_sensor',
      name: null,
      device_class: 'door',
      state_topic: state,
      value_template: "{{ 'ON' if value_json.isOpen else 'OFF' }}",
    },
    battery: {
      platform: 'sensor',
      device_class: 'battery',
      state_class: 'measurement',
      unit_of_measurement: '%',
      state_topic: state,
      value_template: '{{ value_json.batteryPercent }}',
    },
  }),
  create: (device) => new Door(device),
}
