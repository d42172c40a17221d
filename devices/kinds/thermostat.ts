import { type Behaviour, command, type Device, type Kind } from '../kind.ts'
import { ThermostatSetpoint, ThermostatState, ThermostatTelemetry } from '../payloads.ts'
import { clamp, dayCurve, Drift, round } from '../world/curves.ts'

const OUTSIDE_NIGHT_CELSIUS = 2
const OUTSIDE_DAY_CELSIUS = 12
/** How fast a room cools to the temperature outside, and what a radiator adds. */
const ROOM_MEMORY_SECONDS = 6 * 3600
const HEATING_CELSIUS_PER_HOUR = 4
/** It heats from this far below the setpoint to this far above, so that the boiler rests between. */
const HYSTERESIS_CELSIUS = 0.3

/** A thermostat that holds a room at its setpoint while it is day and night outside. */
class Thermostat implements Behaviour {
  readonly #device: Device
  readonly #noise: Drift
  readonly #wind: Drift
  #setpointCelsius = 21
  #celsius: number
  #isHeating = false

  constructor(device: Device) {
    this.#device = device
    this.#celsius = device.random.between(19, 21)
    this.#noise = new Drift(device.random, 0.05, 60)
    this.#wind = new Drift(device.random, 2, 3600)
  }

  start(): void {
    this.#device.state(this.#state())
  }

  step(elapsedSeconds: number): void {
    const { nowMs } = this.#device
    const outside =
      OUTSIDE_NIGHT_CELSIUS +
      (OUTSIDE_DAY_CELSIUS - OUTSIDE_NIGHT_CELSIUS) * dayCurve(nowMs, 15) +
      this.#wind.after(elapsedSeconds)
    this.#celsius += (outside - this.#celsius) * (1 - Math.exp(-elapsedSeconds / ROOM_MEMORY_SECONDS))
    if (this.#isHeating) this.#celsius += (HEATING_CELSIUS_PER_HOUR * elapsedSeconds) / 3600
    if (this.#celsius < this.#setpointCelsius - HYSTERESIS_CELSIUS) this.#isHeating = true
    if (this.#celsius > this.#setpointCelsius + HYSTERESIS_CELSIUS) this.#isHeating = false
    const reading: ThermostatTelemetry = {
      atMs: nowMs,
      temperatureCelsius: round(this.#celsius + this.#noise.after(elapsedSeconds), 2),
      // Warm air that was cold outside is dry.
      humidityPercent: round(clamp(60 - (this.#celsius - outside), 15, 90), 1),
      isHeating: this.#isHeating,
    }
    this.#device.telemetry(reading)
  }

  setpoint(celsius: number): ThermostatState {
    this.#setpointCelsius = celsius
    const state = this.#state()
    this.#device.state(state)
    return state
  }

  #state(): ThermostatState {
    return { atMs: this.#device.nowMs, setpointCelsius: this.#setpointCelsius }
  }
}

export const thermostat: Kind<Thermostat> = {
  name: 'thermostat',
  summary: 'telemetry at QoS 0, retained setpoint, a command that sets it and replies',
  everySeconds: 10,
  telemetry: { qos: 0, contentType: 'application/json', schema: ThermostatTelemetry },
  state: ThermostatState,
  commands: {
    setpoint: command({
      title: 'Set the temperature',
      parameters: ThermostatSetpoint,
      result: ThermostatState,
      run: (device: Thermostat, { setpointCelsius }) => device.setpoint(setpointCelsius),
    }),
  },
  homeAssistant: ({ telemetry, state, commands }) => ({
    climate: {
      platform: 'climate',
      name: null,
      modes: ['heat'],
      // It has no other, and Home Assistant does not know it unless it is told.
      mode_state_topic: state,
      mode_state_template: 'heat',
      temperature_unit: 'C',
      min_temp: 5,
      max_temp: 30,
      temp_step: 0.5,
      current_temperature_topic: telemetry,
      current_temperature_template: '{{ value_json.temperatureCelsius }}',
      current_humidity_topic: telemetry,
      current_humidity_template: '{{ value_json.humidityPercent }}',
      action_topic: telemetry,
      action_template: "{{ 'heating' if value_json.isHeating else 'idle' }}",
      temperature_state_topic: state,
      temperature_state_template: '{{ value_json.setpointCelsius }}',
      temperature_command_topic: commands.replace('+', 'setpoint'),
      temperature_command_template: '{"setpointCelsius": {{ value }}}',
    },
  }),
  create: (device) => new Thermostat(device),
}
