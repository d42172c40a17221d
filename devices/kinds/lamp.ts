import { type Behaviour, command, type Device, type Kind } from '../kind.ts'
import { LampSet, LampState } from '../payloads.ts'

/** How long the relay and the fading take. */
const SWITCHING_SECONDS = 0.3

/**
 * A lamp. Told to change, it reports the new state at once (optimistic: `isConfirmed` is false), and again when it is reached
 * (confirmed); only then it replies. Sometimes somebody uses the switch on the wall.
 */
class Lamp implements Behaviour {
  readonly #device: Device
  #isOn = false
  #brightnessPercent = 80

  constructor(device: Device) {
    this.#device = device
  }

  start(): void {
    this.#isOn = this.#device.random.chance(0.5)
    this.#device.state(this.#state(true))
  }

  step(): void {
    if (!this.#device.random.chance(0.1)) return
    this.#isOn = !this.#isOn
    this.#device.state(this.#state(true))
  }

  async set({ isOn = this.#isOn, brightnessPercent = this.#brightnessPercent }): Promise<LampState> {
    this.#isOn = isOn
    this.#brightnessPercent = brightnessPercent
    this.#device.state(this.#state(false))
    await new Promise<void>((resolve) => {
      this.#device.after(SWITCHING_SECONDS, resolve)
    })
    const state = this.#state(true)
    this.#device.state(state)
    return state
  }

  #state(isConfirmed: boolean): LampState {
    return {
      atMs: this.#device.nowMs,
      isOn: this.#isOn,
      brightnessPercent: this.#brightnessPercent,
      isConfirmed,
    }
  }
}

export const lamp: Kind<Lamp> = {
  name: 'lamp',
  summary: 'switched and dimmed by a command, retained state, optimistic and confirmed',
  everySeconds: 60,
  state: LampState,
  commands: {
    set: command({
      title: 'Switch or dim',
      parameters: LampSet,
      result: LampState,
      run: (device: Lamp, wanted) => device.set(wanted),
    }),
  },
  homeAssistant: ({ state, commands }) => ({
    light: {
      platform: 'light',
      name: null,
      schema: 'template',
      command_topic: commands.replace('+', 'set'),
      command_on_template:
        '{"isOn": true{% if brightness is defined %}, "brightnessPercent": {{ [1, (brightness / 2.55) | round | int] | max }}{% endif %}}',
      command_off_template: '{"isOn": false}',
      state_topic: state,
      state_template: "{{ 'on' if value_json.isOn else 'off' }}",
      brightness_template: '{{ (value_json.brightnessPercent * 2.55) | round | int }}',
    },
  }),
  create: (device) => new Lamp(device),
}
