import { type Behaviour, type Device, type Kind } from '../kind.ts'
import { TrackerTelemetry } from '../payloads.ts'
import { clamp, Drift, round } from '../world/curves.ts'
import { alongRoad, offBy, ROAD_METRES } from '../world/road.ts'

const CRUISING_METRES_PER_SECOND = 14
const LEAST_METRES_PER_SECOND = 2
const ACCURACY_METRES = 4

/** A tracker in a car that goes around a ring road, over WebSocket, as if behind a firewall that lets only web traffic through. */
class Tracker implements Behaviour {
  readonly #device: Device
  readonly #traffic: Drift
  #metres: number

  constructor(device: Device) {
    this.#device = device
    this.#metres = device.random.between(0, ROAD_METRES)
    this.#traffic = new Drift(device.random, 5, 60)
  }

  step(elapsedSeconds: number): void {
    const { random, nowMs } = this.#device
    const metresPerSecond = Math.max(
      LEAST_METRES_PER_SECOND,
      CRUISING_METRES_PER_SECOND + this.#traffic.after(elapsedSeconds),
    )
    this.#metres += metresPerSecond * elapsedSeconds
    const onRoad = alongRoad(this.#metres)
    const seen = offBy(onRoad, (random.normal() * ACCURACY_METRES) / 2, (random.normal() * ACCURACY_METRES) / 2)
    const position: TrackerTelemetry = {
      atMs: nowMs,
      latitudeDegrees: round(seen.latitude, 6),
      longitudeDegrees: round(seen.longitude, 6),
      speedKilometresPerHour: round(metresPerSecond * 3.6, 1),
      headingDegrees: round(onRoad.heading),
      accuracyMetres: round(clamp(ACCURACY_METRES + random.normal(), 1, 10), 1),
    }
    this.#device.telemetry(position)
  }
}

export const tracker: Kind<Tracker> = {
  name: 'tracker',
  summary: 'a position along a road at QoS 0, over WebSocket',
  everySeconds: 5,
  transport: 'websocket',
  telemetry: { qos: 0, contentType: 'application/json', schema: TrackerTelemetry },
  commands: {},
  homeAssistant: ({ telemetry }) => ({
    position: {
      platform: 'device_tracker',
      name: null,
      json_attributes_topic: telemetry,
      json_attributes_template:
        '{{ {"latitude": value_json.latitudeDegrees, "longitude": value_json.longitudeDegrees, "gps_accuracy": value_json.accuracyMetres} | tojson }}',
    },
  }),
  create: (device) => new Tracker(device),
}
