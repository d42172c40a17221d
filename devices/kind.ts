import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { DeviceTopics } from './topics.ts'
import type { Random } from './world/random.ts'

/** What a kind of device is given: a name, a clock, random numbers, and ways to publish. */
export interface Device {
  readonly id: string
  readonly topics: DeviceTopics
  /** The same numbers for the same seed and id. */
  readonly random: Random
  /** Milliseconds since 1970 on the device's own clock, which a fault may have made wrong. */
  readonly nowMs: number
  /** Publishes to `telemetry` at the QoS of the kind. At QoS 0 nothing is kept for later when there is no connection. */
  telemetry(payload: object | Uint8Array): void
  /** Publishes to `state`, retained, at QoS 1. */
  state(payload: object): void
  /** Publishes to `event` at QoS 1; kept until it is acknowledged. */
  event(payload: object): void
  /** Publishes anything else at QoS 1. */
  say(topic: string, payload: object | string): void
  /** Runs `action` later, in simulated seconds. */
  after(seconds: number, action: () => void): void
  /** Disconnects in order, and connects again later; the steps go on meanwhile, so that something can wake it. */
  sleep(seconds: number): void
  /** Ends a sleep now. */
  wake(): void
  /** Loses the connection without a word, so that the will speaks, and is away for a while. */
  vanish(seconds: number): void
}

/** One device of a kind, alive. */
export interface Behaviour {
  /** Once, before the first step. */
  start?(): void
  /** Every `everySeconds`, with the simulated seconds since the step before. */
  step?(elapsedSeconds: number): void
  /** When a sleep is over. */
  woken?(): void
  /** For each message in one of the rooms of its kind. */
  heard?(topic: string, payload: Buffer): void
}

/** A command as it is announced, and what does it. */
export interface Command<B extends Behaviour> {
  readonly title: string
  readonly parameters: TSchema
  readonly result: TSchema
  /** Throws ParametersInvalid. */
  run(behaviour: B, parameters: unknown): unknown
}

/** What all devices of one kind have in common. */
export interface Kind<B extends Behaviour = Behaviour> {
  /** Its name in scenarios and announcements. */
  readonly name: string
  /** One line for people. */
  readonly summary: string
  /** Simulated seconds between two steps, unless the scenario says otherwise. */
  readonly everySeconds: number
  /** Whether the broker keeps its session while it is away. */
  readonly keepsSession?: boolean
  /** How it connects unless the scenario says otherwise; default TCP. */
  readonly transport?: 'websocket'
  readonly telemetry?: { readonly qos: 0 | 1 | 2; readonly contentType: string; readonly schema?: TSchema }
  readonly state?: TSchema
  readonly event?: TSchema
  readonly commands: Readonly<Record<string, Command<B>>>
  /** Other topics it listens to. */
  readonly rooms?: readonly string[]
  /**
   * Its entities for the discovery of Home Assistant, by a name that is unique in the device. The name of one entity, what the device is
   * for, is null: it is shown by that of the device.
   */
  homeAssistant?(topics: DeviceTopics): Readonly<Record<string, object>>
  create(device: Device): B
}

/** The parameters do not fit the command; the message says what is wrong. */
export class ParametersInvalid extends Error {}

/** Makes a command that checks its parameters before it runs. The result may be a promise. */
export function command<P extends TSchema, B extends Behaviour>(definition: {
  readonly title: string
  readonly parameters: P
  readonly result: TSchema
  readonly run: (behaviour: B, parameters: Static<P>) => unknown
}): Command<B> {
  const { title, parameters, result, run } = definition
  return {
    title,
    parameters,
    result,
    run: (behaviour, value) => {
      if (Value.Check(parameters, value)) return run(behaviour, value)
      const [fault] = Value.Errors(parameters, value)
      const where = fault?.instancePath.slice(1).replaceAll('/', '.') ?? ''
      throw new ParametersInvalid(`${where === '' ? 'the parameters' : where} ${fault?.message ?? 'are not valid'}`)
    },
  }
}
