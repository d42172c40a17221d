import { describe, expect, test } from 'vitest'
import { About, LampState, ThermostatState, ThermostatTelemetry } from '../../devices/payloads.ts'
import { deviceTopics } from '../../devices/topics.ts'
import { type Broker, startFleet, Watcher } from './watching.ts'

/** What every kind of device does, with the broker that `startBroker` starts. */
export function describeKinds(broker: string, startBroker: () => Promise<Broker>): void {
  describe(`With ${broker}`, () => {
    describe.each([{ version: 5 as const }, { version: 4 as const }])('over MQTT version $version', ({ version }) => {
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
    })
  })
}
