import { type Behaviour, command, type Device, type Kind } from '../kind.ts'
import { CameraSnapshot, CameraState, Nothing } from '../payloads.ts'
import { daylight, hourOfDay } from '../world/curves.ts'
import { type Colour, jpeg } from '../world/picture.ts'

const COLUMNS = 80
const ROWS = 45
const HORIZON_ROW = 30
const LEAST_BYTES = 50_000
const MOST_BYTES = 500_000
const SUN_BLOCKS = 3
const GROUND: Colour = [90, 110, 120]
const SUN: Colour = [230, 70, 150]

/** A camera: it sends a picture of the sky now and then, at QoS 0 since a lost one does not matter, and at once on request. */
class Camera implements Behaviour {
  readonly #device: Device

  constructor(device: Device) {
    this.#device = device
  }

  start(): void {
    const state: CameraState = { atMs: this.#device.nowMs, widthPixels: COLUMNS * 8, heightPixels: ROWS * 8 }
    this.#device.state(state)
  }

  step(): void {
    this.#device.telemetry(this.#take())
  }

  snapshot(): { atMs: number; topic: string; bytes: number } {
    const picture = this.#take()
    this.#device.telemetry(picture)
    return { atMs: this.#device.nowMs, topic: this.#device.topics.telemetry, bytes: picture.length }
  }

  /** A bright picture has more in it than a dark one. */
  #take(): Buffer {
    const { nowMs, random } = this.#device
    const light = daylight(nowMs)
    const sunColumn = ((hourOfDay(nowMs) - 6) / 14) * COLUMNS
    const sunRow = HORIZON_ROW - light * (HORIZON_ROW - SUN_BLOCKS)
    const sky: Colour = [20 + 150 * light, 128 + 50 * light, 128 - 30 * light]
    const colourAt = (column: number, row: number): Colour => {
      if (row >= HORIZON_ROW) return [GROUND[0] * (0.2 + 0.8 * light), GROUND[1], GROUND[2]]
      return Math.hypot(column - sunColumn, row - sunRow) < SUN_BLOCKS ? SUN : sky
    }
    const bytes = Math.round(LEAST_BYTES + (MOST_BYTES - LEAST_BYTES) * light * random.between(0.7, 1))
    return jpeg(COLUMNS, ROWS, colourAt, bytes, random)
  }
}

export const camera: Kind<Camera> = {
  name: 'camera',
  summary: 'JPEG pictures of 50 to 500 kB at QoS 0, and a snapshot on request',
  everySeconds: 30,
  telemetry: { qos: 0, contentType: 'image/jpeg' },
  state: CameraState,
  commands: {
    snapshot: command({
      title: 'Take a picture',
      parameters: Nothing,
      result: CameraSnapshot,
      run: (device: Camera) => device.snapshot(),
    }),
  },
  homeAssistant: ({ telemetry }) => ({ camera: { platform: 'camera', name: null, topic: telemetry } }),
  create: (device) => new Camera(device),
}
