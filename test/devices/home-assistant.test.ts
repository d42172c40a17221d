import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { announce, homeAssistantDiscovery } from '../../devices/announcement.ts'
import { KINDS } from '../../devices/kinds.ts'
import { About } from '../../devices/payloads.ts'
import { deviceTopics } from '../../devices/topics.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { startFleet, Watcher } from './watching.ts'

/**
 * The rules of Home Assistant 2025.1 for what it discovers over MQTT, by its documentation: `integrations/mqtt`, and a page for each
 * platform. It refuses a whole device for one key that it does not know.
 */
const Availability = Type.Object(
  { topic: Type.String(), value_template: Type.String() },
  { additionalProperties: false },
)
const Component = Type.Record(Type.String(), Type.Unknown())
const Config = Compile(
  Type.Object(
    {
      device: Type.Object(
        {
          identifiers: Type.Array(Type.String(), { minItems: 1 }),
          name: Type.String(),
          manufacturer: Type.String(),
          model: Type.String(),
        },
        { additionalProperties: false },
      ),
      origin: Type.Object({ name: Type.String() }, { additionalProperties: false }),
      availability: Type.Array(Availability, { minItems: 1 }),
      components: Type.Record(Type.String(), Component),
    },
    { additionalProperties: false },
  ),
)

interface Platform {
  readonly needs: readonly string[]
  readonly takes: readonly string[]
}

const OF_ALL = ['platform', 'unique_id', 'name', 'qos', 'icon', 'device_class', 'enabled_by_default']

const PLATFORMS: Readonly<Record<string, Platform>> = {
  sensor: {
    needs: ['state_topic'],
    takes: ['value_template', 'state_class', 'unit_of_measurement', 'expire_after', 'suggested_display_precision'],
  },
  binary_sensor: { needs: ['state_topic'], takes: ['value_template', 'payload_on', 'payload_off', 'expire_after'] },
  light: {
    needs: ['command_topic', 'command_on_template', 'command_off_template'],
    takes: ['schema', 'state_topic', 'state_template', 'brightness_template'],
  },
  climate: {
    needs: [],
    takes: [
      'modes',
      'mode_state_topic',
      'mode_state_template',
      'temperature_unit',
      'min_temp',
      'max_temp',
      'temp_step',
      'current_temperature_topic',
      'current_temperature_template',
      'current_humidity_topic',
      'current_humidity_template',
      'action_topic',
      'action_template',
      'temperature_state_topic',
      'temperature_state_template',
      'temperature_command_topic',
      'temperature_command_template',
    ],
  },
  camera: { needs: ['topic'], takes: ['image_encoding'] },
  device_tracker: { needs: ['json_attributes_topic'], takes: ['json_attributes_template', 'source_type'] },
}

/** The units of the device classes that are used here, and whether a reading or a sum is told. */
const SENSOR_CLASSES: Readonly<Record<string, readonly [units: readonly string[], stateClasses: readonly string[]]>> = {
  battery: [['%'], ['measurement']],
  energy: [
    ['Wh', 'kWh', 'MWh'],
    ['total', 'total_increasing'],
  ],
  power: [['W', 'kW'], ['measurement']],
}

function faultsOf(component: Record<string, unknown>): string[] {
  const { platform, unique_id: uniqueId, name, device_class: deviceClass, unit_of_measurement: unit } = component
  const rules = PLATFORMS[String(platform)]
  if (rules === undefined) return [`unknown platform ${String(platform)}`]
  const faults: string[] = []
  const known = new Set([...OF_ALL, ...rules.needs, ...rules.takes])
  for (const key of Object.keys(component)) if (!known.has(key)) faults.push(`unknown key ${key}`)
  for (const key of rules.needs) if (typeof component[key] !== 'string') faults.push(`no ${key}`)
  if (typeof uniqueId !== 'string') faults.push('no unique_id')
  // An entity without a name and without a class is called "MQTT sensor".
  if (name === undefined && deviceClass === undefined) faults.push('no name')
  for (const key of Object.keys(component).filter((each) => each.endsWith('_template') && !each.includes('command'))) {
    const topic = component[key.replace('_template', '_topic')] ?? component['state_topic']
    if (typeof topic !== 'string') faults.push(`${key} without a topic`)
  }
  if (platform === 'sensor') {
    // What has a unit is a number, of which Home Assistant keeps statistics only when it has a class of state.
    if (unit !== undefined && component['state_class'] === undefined) faults.push('no state_class')
    const [units, stateClasses] = SENSOR_CLASSES[String(deviceClass)] ?? [[unit], ['measurement']]
    if (!units.includes(String(unit))) faults.push(`unit ${String(unit)}`)
    if (!stateClasses.includes(String(component['state_class'])))
      faults.push(`state_class ${String(component['state_class'])}`)
  }
  // The mode of a thermostat is unknown until it is told, and then nothing about it can be set.
  if (platform === 'climate' && component['mode_state_topic'] === undefined) faults.push('no mode_state_topic')
  return faults
}

describe('What a device says of itself', () => {
  test.each([...KINDS.values()])('is as its schema wants it, for a $name', (kind) => {
    const about: unknown = JSON.parse(JSON.stringify(announce(kind, 'x-1', 'X', 5)))
    expect([...Value.Errors(About, about)]).toEqual([])
  })

  test('is told to Home Assistant only if asked, retained, where it looks for it', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const broker = {
      url: new URL(`mqtt://127.0.0.1:${port}`),
      webSocketUrl: new URL(`ws://127.0.0.1:${httpPort}/mqtt`),
    }
    await startFleet(broker, [{ kind: 'lamp', ids: ['l-1'] }], { isHomeAssistantTold: true })
    await startFleet(broker, [{ kind: 'lamp', ids: ['l-2'] }])
    const watcher = await Watcher.connect(broker, 5, ['devices/#', 'homeassistant/#'])
    await watcher.until(deviceTopics('l-2').status)
    const { payload } = await watcher.until('homeassistant/device/l-1/config', (_payload, { retain }) => retain)
    expect(JSON.parse(payload.toString())).toMatchObject({
      device: { identifiers: ['l-1'], name: 'L 1', model: 'lamp' },
      availability: [{ topic: 'devices/l-1/status' }],
      components: { light: { platform: 'light', unique_id: 'l-1-light', command_topic: 'devices/l-1/cmd/set' } },
    })
    expect(watcher.seen.items.filter(({ topic }) => topic.includes('homeassistant/device/l-2'))).toEqual([])
  })

  test.each([...KINDS.values()])('has only what Home Assistant takes, and all that it needs, for a $name', (kind) => {
    const discovery = homeAssistantDiscovery(kind, 'x-1', 'X', deviceTopics('x-1'))
    if (discovery === undefined) return
    const config = Config.Parse(JSON.parse(discovery.payload))
    expect(Object.values(config.components).flatMap(faultsOf)).toEqual([])
    // One entity is what the device is for.
    expect(Object.values(config.components).filter(({ name }) => name === null)).toHaveLength(1)
  })

  test.each([...KINDS.values()])('has an id of its own for each entity that Home Assistant gets of a $name', (kind) => {
    const discovery = homeAssistantDiscovery(kind, 'x-1', 'X', deviceTopics('x-1'))
    if (kind.homeAssistant === undefined) {
      expect(discovery).toBeUndefined()
      return
    }
    const { components } = JSON.parse(discovery?.payload ?? '')
    const ids = Object.values<{ unique_id: string }>(components).map(({ unique_id }) => unique_id)
    expect(ids.length).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(ids.length)
  })
})
