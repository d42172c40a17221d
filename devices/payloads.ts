import { type Static, Type } from 'typebox'

/**
 * What devices say and are told, one schema for each payload: the devices build what they send by them, tests check what came,
 * and the dashboard reads them, since they are JSON Schemas and stand in what a device announces. A number says its unit
 * twice: in its name for people, in the keyword `unit` for programs. Times are milliseconds since 1970, on the clock of the
 * device.
 */

function quantity(
  title: string,
  unit: string,
  bounds: { minimum?: number; maximum?: number; multipleOf?: number } = {},
) {
  return Type.Number({ title, unit, ...bounds })
}

function count(title: string, unit: string, minimum = 0) {
  return Type.Integer({ title, unit, minimum })
}

const atMs = Type.Integer({ title: 'Time', unit: 'ms' })
/** Counts the messages of one channel of a device from 1, so that whoever listens sees what is missing or double. */
const seq = Type.Integer({ title: 'Number', minimum: 1 })
const percent = { minimum: 0, maximum: 100 }

/** What stands in `status`, as plain text: that is what Home Assistant and others expect. */
export const Status = Type.Enum(['online', 'asleep', 'offline'])
export type Status = Static<typeof Status>

/** A JSON Schema as it stands in an announcement. */
const JsonSchema = Type.Record(Type.String(), Type.Unknown())

/** What a device announces of itself, retained: enough to show it and to make a form for each of its commands. */
export const About = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  name: Type.String(),
  /** 4 is MQTT 3.1.1: a request must then say in its JSON where to reply. */
  protocol: Type.Enum([4, 5]),
  telemetry: Type.Optional(
    Type.Object({
      contentType: Type.String(),
      qos: Type.Enum([0, 1, 2]),
      /** Of each message; only of JSON and CBOR. */
      schema: Type.Optional(JsonSchema),
    }),
  ),
  state: Type.Optional(Type.Object({ schema: JsonSchema })),
  event: Type.Optional(Type.Object({ schema: JsonSchema })),
  commands: Type.Record(
    Type.String(),
    Type.Object({ title: Type.String(), parameters: JsonSchema, result: JsonSchema }),
  ),
  /** Other topics that it listens to and speaks in, such as a room. */
  rooms: Type.Optional(Type.Array(Type.String())),
})
export type About = Static<typeof About>

/** Where a request wants its reply, when it cannot say so in the properties of MQTT 5. Stands beside the parameters. */
export const ReplyFields = Type.Object({
  responseTopic: Type.Optional(Type.String()),
  correlationData: Type.Optional(Type.String()),
})
export type ReplyFields = Static<typeof ReplyFields>

/** The answer to a command. `correlationData` is there when the request had it in its JSON. */
export const Reply = Type.Union([
  Type.Object({
    ok: Type.Literal(true),
    result: Type.Unknown(),
    correlationData: Type.Optional(Type.String()),
  }),
  Type.Object({
    ok: Type.Literal(false),
    error: Type.Object({
      code: Type.Enum(['COMMAND_UNKNOWN', 'PAYLOAD_INVALID', 'PARAMETERS_INVALID']),
      message: Type.String(),
    }),
    correlationData: Type.Optional(Type.String()),
  }),
])
export type Reply = Static<typeof Reply>

/** For commands without parameters. */
export const Nothing = Type.Object({}, { additionalProperties: false })

export const ThermostatTelemetry = Type.Object({
  atMs,
  temperatureCelsius: quantity('Temperature', '°C'),
  humidityPercent: quantity('Humidity', '%', percent),
  isHeating: Type.Boolean({ title: 'Heating' }),
})
export type ThermostatTelemetry = Static<typeof ThermostatTelemetry>

const setpoint = quantity('Setpoint', '°C', { minimum: 5, maximum: 30, multipleOf: 0.5 })
export const ThermostatState = Type.Object({ atMs, setpointCelsius: setpoint })
export type ThermostatState = Static<typeof ThermostatState>
export const ThermostatSetpoint = Type.Object({ setpointCelsius: setpoint }, { additionalProperties: false })

const brightness = Type.Integer({ title: 'Brightness', unit: '%', minimum: 1, maximum: 100 })
export const LampState = Type.Object({
  atMs,
  isOn: Type.Boolean({ title: 'On' }),
  brightnessPercent: brightness,
  /** False from when it was told until it has done it. */
  isConfirmed: Type.Boolean({ title: 'Confirmed' }),
})
export type LampState = Static<typeof LampState>
export const LampSet = Type.Object(
  { isOn: Type.Optional(Type.Boolean({ title: 'On' })), brightnessPercent: Type.Optional(brightness) },
  { additionalProperties: false, minProperties: 1 },
)

const battery = quantity('Battery', '%', percent)
export const DoorEvent = Type.Object({
  seq,
  atMs,
  event: Type.Enum(['opened', 'closed', 'woke'], { title: 'Event' }),
  batteryPercent: battery,
})
export type DoorEvent = Static<typeof DoorEvent>
const heartbeat = Type.Integer({ title: 'Wakes at least every', unit: 's', minimum: 10, maximum: 86_400 })
export const DoorState = Type.Object({
  atMs,
  isOpen: Type.Boolean({ title: 'Open' }),
  batteryPercent: battery,
  heartbeatSeconds: heartbeat,
})
export type DoorState = Static<typeof DoorState>
export const DoorConfigure = Type.Object({ heartbeatSeconds: heartbeat }, { additionalProperties: false })

/** A reading of a meter. All energies are whole watt-hours, so sums are exact. */
export const MeterTelemetry = Type.Object({
  seq,
  atMs,
  powerWatts: count('Power', 'W'),
  /** Since the reading before. */
  energyWattHours: count('Energy', 'Wh'),
  /** Since the meter was made; the sum of every `energyWattHours` up to this one and `MeterState.baseWattHours`. */
  totalWattHours: count('Total', 'Wh'),
})
export type MeterTelemetry = Static<typeof MeterTelemetry>
export const MeterState = Type.Object({
  atMs,
  /** What it had counted before its first reading. */
  baseWattHours: count('Total at the start', 'Wh'),
  tariff: Type.Enum(['day', 'night'], { title: 'Tariff' }),
})
export type MeterState = Static<typeof MeterState>
export const MeterTotal = Type.Object({ atMs, seq: Type.Integer({ minimum: 0 }), totalWattHours: count('Total', 'Wh') })

export const TrackerTelemetry = Type.Object({
  atMs,
  latitudeDegrees: quantity('Latitude', '°', { minimum: -90, maximum: 90 }),
  longitudeDegrees: quantity('Longitude', '°', { minimum: -180, maximum: 180 }),
  speedKilometresPerHour: quantity('Speed', 'km/h', { minimum: 0 }),
  headingDegrees: quantity('Heading', '°', { minimum: 0, maximum: 360 }),
  /** How far off it may be. */
  accuracyMetres: quantity('Accuracy', 'm', { minimum: 0 }),
})
export type TrackerTelemetry = Static<typeof TrackerTelemetry>

export const CameraState = Type.Object({
  atMs,
  widthPixels: count('Width', 'px'),
  heightPixels: count('Height', 'px'),
})
export type CameraState = Static<typeof CameraState>
export const CameraSnapshot = Type.Object({
  atMs,
  /** The picture goes to `telemetry`; here is what it is. */
  topic: Type.String({ title: 'Topic' }),
  bytes: count('Size', 'B'),
})

/** In CBOR, with the same names. */
export const AirTelemetry = Type.Object({
  atMs,
  temperatureCelsius: quantity('Temperature', '°C'),
  humidityPercent: quantity('Humidity', '%', percent),
  pressureHectopascals: quantity('Pressure', 'hPa'),
  co2PartsPerMillion: count('CO₂', 'ppm'),
  dustMicrogramsPerCubicMetre: quantity('Fine dust', 'µg/m³', { minimum: 0 }),
})
export type AirTelemetry = Static<typeof AirTelemetry>

/** What is said in `chat/<room>`. Plain text is said by nobody in particular. */
export const ChatMessage = Type.Object({
  from: Type.String({ minLength: 1 }),
  text: Type.String(),
  /** Said by a program: other programs do not answer. */
  isBot: Type.Optional(Type.Boolean()),
})
export type ChatMessage = Static<typeof ChatMessage>

export const FlakyTelemetry = Type.Object({ atMs, vibrationMillimetresPerSecond: quantity('Vibration', 'mm/s') })
export type FlakyTelemetry = Static<typeof FlakyTelemetry>
export const FlakyEvent = Type.Object({
  seq,
  atMs,
  event: Type.Enum(['shock', 'restarted'], { title: 'Event' }),
  peakMillimetresPerSecond: quantity('Peak', 'mm/s'),
})
export type FlakyEvent = Static<typeof FlakyEvent>
export const FlakyCrash = Type.Object(
  { secondsAway: Type.Integer({ title: 'Seconds away', unit: 's', minimum: 1, maximum: 3600, default: 10 }) },
  { additionalProperties: false },
)
