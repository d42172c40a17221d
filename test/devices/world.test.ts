import { describe, expect, test } from 'vitest'
import { MeterTelemetry, ThermostatTelemetry } from '../../devices/payloads.ts'
import { deviceTopics } from '../../devices/topics.ts'
import { dayCurve, daylight, Drift } from '../../devices/world/curves.ts'
import { jpeg } from '../../devices/world/picture.ts'
import { Random } from '../../devices/world/random.ts'
import { alongRoad, metresBetween, ROAD_METRES } from '../../devices/world/road.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { startFleet, Watcher } from './watching.ts'

const HOUR_MS = 3_600_000

function numbers(seed: number, name: string): number[] {
  const random = new Random(seed, name)
  return Array.from({ length: 20 }, () => random.next())
}

describe('The world of the devices', () => {
  test('Random gives the same numbers for the same seed and name, and others for any other', () => {
    expect(numbers(1, 'lamp-1')).toEqual(numbers(1, 'lamp-1'))
    expect(numbers(1, 'lamp-1')).not.toEqual(numbers(1, 'lamp-2'))
    expect(numbers(1, 'lamp-1')).not.toEqual(numbers(2, 'lamp-1'))
  })

  test('Random spreads evenly, and its bell has the deviation it says', () => {
    const random = new Random(7, 'spread')
    const buckets = Array.from({ length: 10 }, () => 0)
    let [sum, squares] = [0, 0]
    for (let i = 0; i < 20_000; i++) {
      const bucket = random.integer(0, 9)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      const value = random.normal()
      sum += value
      squares += value * value
    }
    for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(200)
    expect(Math.abs(sum / 20_000)).toBeLessThan(0.05)
    expect(Math.sqrt(squares / 20_000)).toBeCloseTo(1, 1)
  })

  test('a day has its peak at the hour it says, and the night is dark', () => {
    expect(dayCurve(15 * HOUR_MS, 15)).toBe(1)
    expect(dayCurve(3 * HOUR_MS, 15)).toBeCloseTo(0)
    expect(daylight(13 * HOUR_MS)).toBeCloseTo(1)
    expect(daylight(2 * HOUR_MS)).toBe(0)
  })

  test('a drift stays near where it belongs, however long the steps are', () => {
    for (const seconds of [1, 100, 10_000]) {
      const drift = new Drift(new Random(3, 'drift'), 2, 60)
      let squares = 0
      for (let i = 0; i < 5000; i++) squares += drift.after(seconds) ** 2
      const deviation = Math.sqrt(squares / 5000)
      expect(deviation).toBeGreaterThan(1)
      expect(deviation).toBeLessThan(3)
    }
  })

  test('the road is a ring without jumps', () => {
    expect(metresBetween(alongRoad(0), alongRoad(ROAD_METRES))).toBeLessThan(0.01)
    for (let metres = 0; metres < ROAD_METRES; metres += 10) {
      expect(Math.abs(metresBetween(alongRoad(metres), alongRoad(metres + 10)) - 10)).toBeLessThan(6)
    }
  })

  test('a picture is a JPEG whose segments lead from the first to the picture itself', () => {
    const picture = jpeg(80, 45, () => [128, 90, 200], 60_000, new Random(1, 'picture'))
    expect(Math.abs(picture.length - 60_000)).toBeLessThan(10)
    const markers: number[] = []
    let at = 2
    while (markers.at(-1) !== 0xda) {
      expect(picture[at]).toBe(0xff)
      markers.push(picture.readUInt8(at + 1))
      at += 2 + picture.readUInt16BE(at + 2)
    }
    expect(new Set(markers)).toEqual(new Set([0xe0, 0xfe, 0xdb, 0xc0, 0xc4, 0xda]))
    // Behind it no marker may stand until the last, which ends the picture.
    const rest = picture.subarray(at)
    expect([...rest.entries()].filter(([index, byte]) => byte === 0xff && rest[index + 1] !== 0)).toEqual([
      [rest.length - 2, 0xff],
    ])
    expect(rest.at(-1)).toBe(0xd9)
  })
})

/** Of a thermostat, enough that two runs have some of the same time. */
const READINGS = 30
const STEP_MS = 10_000

interface Said {
  readonly meter: readonly MeterTelemetry[]
  readonly thermostat: readonly ThermostatTelemetry[]
}

/** What a meter and a thermostat say at first, to a hub of their own. */
async function said(seed: number): Promise<Said> {
  const { port, httpPort } = await startHubWithHttp()
  const broker = {
    url: new URL(`mqtt://127.0.0.1:${port}`),
    webSocketUrl: new URL(`ws://127.0.0.1:${httpPort}/mqtt`),
  }
  const watcher = await Watcher.connect(broker)
  const group = [
    { kind: 'meter' as const, ids: ['m'] },
    { kind: 'thermostat' as const, ids: ['t'] },
  ]
  await startFleet(broker, group, { speed: 300, seed })
  await watcher.untilJson(deviceTopics('m').telemetry, MeterTelemetry, ({ seq }) => seq >= 12)
  const { atMs: connectedMs } = await watcher.untilJson(deviceTopics('t').telemetry, ThermostatTelemetry)
  await watcher.untilJson(
    deviceTopics('t').telemetry,
    ThermostatTelemetry,
    ({ atMs }) => atMs > connectedMs + READINGS * STEP_MS,
  )
  return {
    meter: watcher.all(deviceTopics('m').telemetry, MeterTelemetry).slice(0, 12),
    thermostat: watcher.all(deviceTopics('t').telemetry, ThermostatTelemetry),
  }
}

/** The readings at times at which the other has one too: at QoS 0 those are lost that are due before the device is connected. */
function shared(
  readings: readonly ThermostatTelemetry[],
  others: readonly ThermostatTelemetry[],
): ThermostatTelemetry[] {
  return readings.filter(({ atMs }) => others.some((other) => other.atMs === atMs))
}

function temperatures({ thermostat }: Said): number[] {
  return thermostat.slice(0, READINGS / 2).map(({ temperatureCelsius }) => temperatureCelsius)
}

test('Devices say the same for the same seed, whatever the machine does meanwhile', async () => {
  const [first, second, other] = [await said(4), await said(4), await said(5)]
  expect(first.meter).toEqual(second.meter)
  const thermostat = shared(first.thermostat, second.thermostat)
  expect(thermostat.length).toBeGreaterThan(3)
  expect(thermostat).toEqual(shared(second.thermostat, first.thermostat))
  expect(first.meter).not.toEqual(other.meter)
  expect(temperatures(first)).not.toEqual(temperatures(other))
})
