import { decode } from 'cborg'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { Audit } from '../../devices/audit.ts'
import {
  About,
  AirTelemetry,
  CameraSnapshot,
  type ChatMessage,
  DoorEvent,
  FlakyEvent,
  LampState,
  MeterTelemetry,
  MeterTotal,
  ThermostatState,
  ThermostatTelemetry,
  TrackerTelemetry,
} from '../../devices/payloads.ts'
import { deviceTopics, LOBBY } from '../../devices/topics.ts'
import { alongRoad, metresBetween, ROAD_METRES } from '../../devices/world/road.ts'
import { until } from '../support/guard.ts'
import { type Broker, startFleet, Watcher } from './watching.ts'

/** A thing that nobody listens on, for what must not be used. */
const NOWHERE = new URL('mqtt://127.0.0.1:1')

/** What every kind of device does, with the broker that `startBroker` starts. */
export function describeKinds(broker: string, startBroker: () => Promise<Broker>): void {
  describe.each([{ version: 5 as const }, { version: 4 as const }])(
    `With ${broker}, over MQTT version $version,`,
    ({ version }) => {
      const protocol = version === 5 ? (5 as const) : ('3.1.1' as const)

      test('a thermostat measures, keeps its setpoint retained, and sets it when told', async () => {
        const started = await startBroker()
        const topics = deviceTopics('t-1')
        await startFleet(started, [{ kind: 'thermostat', ids: ['t-1'], protocol }], { speed: 100 })
        const watcher = await Watcher.connect(started, version)
        expect(await watcher.untilJson(topics.about, About)).toMatchObject({ kind: 'thermostat', protocol: version })
        const reading = await watcher.untilJson(topics.telemetry, ThermostatTelemetry)
        expect(reading.temperatureCelsius).toBeGreaterThan(15)
        expect(reading.temperatureCelsius).toBeLessThan(25)
        expect(await watcher.request('t-1', 'setpoint', { setpointCelsius: 23.5 })).toMatchObject({
          ok: true,
          result: { setpointCelsius: 23.5 },
        })
        await watcher.untilJson(topics.state, ThermostatState, ({ setpointCelsius }) => setpointCelsius === 23.5)
        const late = await Watcher.connect(started)
        expect((await late.until(topics.state)).packet.retain).toBe(true)
      })

      test('a lamp says at once what it will be, then that it is so, and then replies', async () => {
        const started = await startBroker()
        const topics = deviceTopics('l-1')
        await startFleet(started, [{ kind: 'lamp', ids: ['l-1'], protocol }])
        const watcher = await Watcher.connect(started, version)
        await watcher.until(topics.status, (payload) => payload.toString() === 'online')
        const reply = await watcher.request('l-1', 'set', { isOn: true, brightnessPercent: 7 })
        expect(reply).toMatchObject({ ok: true, result: { isOn: true, brightnessPercent: 7, isConfirmed: true } })
        const states = watcher.all(topics.state, LampState).filter(({ brightnessPercent }) => brightnessPercent === 7)
        expect(states.map(({ isConfirmed }) => isConfirmed)).toEqual([false, true])
      })

      test('a door sensor sleeps, and obeys when it wakes what it was told meanwhile', async () => {
        const started = await startBroker()
        const topics = deviceTopics('d-1')
        const fleet = await startFleet(started, [{ kind: 'door', ids: ['d-1'], protocol }], { speed: 600 })
        const watcher = await Watcher.connect(started, version)
        await until(
          () => fleet.devices[0]?.connection.wasOnline === true && !fleet.devices[0].connection.isOnline,
          () => 'the door to fall asleep',
        )
        const reply = await watcher.request('d-1', 'configure', { heartbeatSeconds: 300 })
        expect(reply).toMatchObject({ ok: true, result: { heartbeatSeconds: 300 } })
        const woke = await watcher.untilJson(topics.event, DoorEvent, ({ event }) => event === 'woke')
        expect(woke.batteryPercent).toBeLessThan(100)
        const statuses = watcher.seen.items.filter(({ topic }) => topic === topics.status)
        expect(statuses.map(({ payload }) => payload.toString())).toContain('asleep')
        expect(statuses.map(({ payload }) => payload.toString())).not.toContain('offline')
      })

      test('a meter that loses its connection again and again has every reading once, and sums that add up', async () => {
        const started = await startBroker()
        const audit = await Audit.start(started.url)
        const watcher = await Watcher.connect(started, version, ['devices/#'], 0)
        const fleet = await startFleet(started, [{ kind: 'meter', ids: ['m-1'], protocol }], {
          speed: 500,
          faults: { dropEverySeconds: 60 },
        })
        await until(
          () => fleet.tally.cuts >= 3,
          () => 'three lost connections',
        )
        await fleet.settle()
        const { discrepancies, readings, wills } = await audit.compare(fleet, 5000)
        await audit.stop()
        expect(discrepancies).toEqual([])
        expect(wills).toBe(fleet.tally.cuts)
        expect(readings).toBeGreaterThan(3)
        const reply = await watcher.request('m-1', 'read', {})
        const last = watcher.all(deviceTopics('m-1').telemetry, MeterTelemetry).at(-1)
        if (!reply.ok || !Value.Check(MeterTotal, reply.result)) throw new Error(JSON.stringify(reply))
        expect(reply.result).toMatchObject({ seq: readings, totalWattHours: last?.totalWattHours })
      })

      test('a tracker drives along its road, over WebSocket', async () => {
        const started = await startBroker()
        const topics = deviceTopics('c-1')
        const watcher = await Watcher.connect(started, version)
        await startFleet({ ...started, url: NOWHERE }, [{ kind: 'tracker', ids: ['c-1'], protocol }], { speed: 50 })
        const isThird = (): boolean => watcher.all(topics.telemetry, TrackerTelemetry).length >= 3
        await watcher.until(topics.telemetry, isThird)
        const positions = watcher.all(topics.telemetry, TrackerTelemetry)
        for (const { latitudeDegrees: latitude, longitudeDegrees: longitude } of positions) {
          const nearest = Math.min(
            ...Array.from({ length: Math.ceil(ROAD_METRES / 5) }, (_, index) =>
              metresBetween(alongRoad(index * 5), { latitude, longitude }),
            ),
          )
          expect(nearest).toBeLessThan(20)
        }
        expect(new Set(positions.map(({ longitudeDegrees }) => longitudeDegrees)).size).toBe(positions.length)
      })

      test('a camera takes a picture on request, at QoS 0, and says how long it is', async () => {
        const started = await startBroker()
        const topics = deviceTopics('cam-1')
        await startFleet(started, [{ kind: 'camera', ids: ['cam-1'], protocol }])
        const watcher = await Watcher.connect(started, version)
        await watcher.until(topics.status, (payload) => payload.toString() === 'online')
        const reply = await watcher.request('cam-1', 'snapshot', {})
        if (!reply.ok || !Value.Check(CameraSnapshot, reply.result)) throw new Error(JSON.stringify(reply))
        const { bytes, topic } = reply.result
        const { payload, packet } = await watcher.until(topic, (each) => each.length === bytes)
        expect([...payload.subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
        expect([...payload.subarray(-2)]).toEqual([0xff, 0xd9])
        expect(bytes).toBeGreaterThan(49_000)
        expect(bytes).toBeLessThanOrEqual(500_000)
        expect(packet.qos).toBe(0)
        if (version === 5) expect(packet.properties?.contentType).toBe('image/jpeg')
      })

      test('an air station sends CBOR', async () => {
        const started = await startBroker()
        const watcher = await Watcher.connect(started, version)
        await startFleet(started, [{ kind: 'air', ids: ['a-1'], protocol }], { speed: 100 })
        const { payload, packet } = await watcher.until(deviceTopics('a-1').telemetry)
        const reading: unknown = decode(payload)
        expect([...Value.Errors(AirTelemetry, reading)]).toEqual([])
        if (version === 5) expect(packet.properties?.contentType).toBe('application/cbor')
      })

      test('a bot answers in the language it is spoken to, and never another bot', async () => {
        const started = await startBroker()
        await startFleet(started, [{ kind: 'bot', ids: ['b-1'], protocol }], { speed: 20 })
        const watcher = await Watcher.connect(started, version, ['devices/#', 'chat/#'])
        await watcher.until(deviceTopics('b-1').status, (payload) => payload.toString() === 'online')
        const answers = async (select: (text: string) => boolean): Promise<ChatMessage> =>
          watcher.untilChat(LOBBY, ({ from, text }) => from === 'b-1' && select(text))
        watcher.publish(LOBBY, JSON.stringify({ from: 'b-2', text: 'hello', isBot: true }))
        watcher.publish(LOBBY, 'Привет! Ты кто?')
        await answers((text) => /\p{Script=Cyrillic}/u.test(text))
        watcher.publish(LOBBY, JSON.stringify({ from: 'Anna', text: 'What time is it?' }))
        expect(await answers((text) => text.includes('UTC'))).toMatchObject({ isBot: true })
        expect(
          watcher.seen.items.filter(({ payload }) => payload.includes('b-1') && payload.includes('text')),
        ).toHaveLength(2)
      })

      test('a flaky device drops out so that its will speaks, comes back, and sends its burst in order', async () => {
        const started = await startBroker()
        const topics = deviceTopics('f-1')
        const watcher = await Watcher.connect(started, version)
        await startFleet(started, [{ kind: 'flaky', ids: ['f-1'], protocol }], { speed: 120 })
        await watcher.until(topics.status, (payload) => payload.toString() === 'online')
        expect(await watcher.request('f-1', 'crash', { secondsAway: 30 })).toMatchObject({ ok: true })
        await watcher.until(topics.status, (payload, { retain }) => !retain && payload.toString() === 'offline')
        await watcher.untilJson(topics.event, FlakyEvent, ({ event }) => event === 'restarted')
        await watcher.untilJson(topics.event, FlakyEvent, ({ event }) => event === 'shock')
        await watcher.untilJson(topics.event, FlakyEvent, ({ seq }) => seq >= 21)
        const numbers = watcher.all(topics.event, FlakyEvent).map(({ seq }) => seq)
        expect(numbers).toEqual(numbers.map((_, index) => index + 1))
        const statuses = watcher.seen.items
          .filter(({ topic }) => topic === topics.status)
          .map(({ payload }) => payload.toString())
        expect(statuses.join()).toContain('offline,online')
      })

      test('a command that is none, or is no JSON, or has wrong parameters is answered with what is wrong', async () => {
        const started = await startBroker()
        await startFleet(started, [{ kind: 'thermostat', ids: ['t-2'], protocol }])
        const watcher = await Watcher.connect(started, version)
        await watcher.until(deviceTopics('t-2').status, (payload) => payload.toString() === 'online')
        expect(await watcher.request('t-2', 'explode', {})).toMatchObject({
          ok: false,
          error: { code: 'COMMAND_UNKNOWN', message: expect.stringContaining('it has: setpoint') },
        })
        expect(await watcher.request('t-2', 'setpoint', { setpointCelsius: 99 })).toMatchObject({
          ok: false,
          error: { code: 'PARAMETERS_INVALID', message: expect.stringContaining('setpointCelsius') },
        })
        // In 3.1.1 the place to reply to stands in the JSON, so there is nowhere to answer to what is none.
        if (version === 5) {
          expect(await watcher.request('t-2', 'setpoint', 'twenty')).toMatchObject({
            ok: false,
            error: { code: 'PAYLOAD_INVALID' },
          })
        }
      })
    },
  )
}
