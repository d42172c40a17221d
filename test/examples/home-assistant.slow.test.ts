import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { DEBIAN_PYTHON } from '../support/debian-tools.ts'
import { startProcess } from '../support/processes.ts'
import { HOUSE_GUARD_MS, startHouse } from './house.ts'
import type { Watch } from './watch.ts'

const ROOT = new URL('../../', import.meta.url)
const CONFIGURATION: unknown = parse(readFileSync(new URL('examples/home-assistant/configuration.yaml', ROOT), 'utf8'))
const RENDER = fileURLToPath(new URL('render.py', import.meta.url))

const Entity = Type.Record(Type.String(), Type.Unknown())
type Entity = Static<typeof Entity>
const Entities = Type.Object({ mqtt: Type.Record(Type.String(), Type.Array(Entity)) })
const Discovery = Type.Object({ components: Type.Record(Type.String(), Entity) })
const Texts = Type.Array(Type.String())

/** Something of an entity that Home Assistant reads from a topic. */
interface Reading {
  readonly platform: string
  readonly name: string
  readonly topic: string
  readonly template: string
}

/** What a reading has to be, by the documentation of the platform. */
const FORMS: Readonly<Record<string, RegExp>> = {
  'climate current_temperature_template': /^\d+(\.\d+)?$/,
  'climate current_humidity_template': /^\d+(\.\d+)?$/,
  'climate mode_state_template': /^heat$/,
  'climate action_template': /^(heating|idle)$/,
  'climate temperature_state_template': /^\d+(\.\d+)?$/,
  'light state_template': /^(on|off)$/,
  'light brightness_template': /^\d{1,3}$/,
  'binary_sensor value_template': /^(ON|OFF)$/,
  'sensor value_template': /^\d+(\.\d+)?$/,
  'device_tracker json_attributes_template': /^\{"gps_accuracy": [\d.]+, "latitude": [\d.-]+, "longitude": [\d.-]+\}$/,
}

function readingsOf(platform: string, entity: Entity): Reading[] {
  return Object.entries(entity).flatMap(([name, template]): Reading[] => {
    if (!name.endsWith('_template') || name.includes('command') || typeof template !== 'string') return []
    const own = entity[name.replace('_template', '_topic')]
    const topic = typeof own === 'string' ? own : textOf(entity, 'state_topic')
    return [{ platform, name, topic, template }]
  })
}

function textOf(entity: Entity, key: string): string {
  const text = entity[key]
  if (typeof text !== 'string') throw new Error(`${key} of ${JSON.stringify(entity)} is no text`)
  return text
}

async function render(jobs: readonly { readonly template: string; readonly values: object }[]): Promise<string[]> {
  const python = await startProcess(DEBIAN_PYTHON, [RENDER])
  python.endInput(JSON.stringify(jobs))
  const { code } = await python.untilExit(HOUSE_GUARD_MS)
  const texts: unknown = code === 0 ? JSON.parse(python.stdout.items.join('\n')) : undefined
  if (Value.Check(Texts, texts)) return texts
  throw new Error(`Jinja said ${python.stderr.items.join('\n')}`)
}

/** Has Jinja read a real message of each topic; gives what is not as its platform wants it. */
async function faultsOf(readings: readonly Reading[], watcher: Watch): Promise<string[]> {
  const payloads = await Promise.all(
    readings.map(async ({ topic }) => (await watcher.until(topic, () => true, HOUSE_GUARD_MS)).payload),
  )
  const texts = await render(
    readings.map(({ template }, i) => ({ template, values: { value_json: JSON.parse(payloads[i] ?? '') } })),
  )
  return readings.flatMap(({ platform, name, topic }, i) => {
    const isRight = FORMS[`${platform} ${name}`]?.test(texts[i] ?? '') === true
    return isRight ? [] : [`${platform} ${name} of ${topic}: ${texts[i]}`]
  })
}

function readEntities(): { readonly platform: string; readonly entity: Entity }[] {
  if (!Value.Check(Entities, CONFIGURATION)) throw new Error('the file holds no entities')
  return Object.entries(CONFIGURATION.mqtt).flatMap(([platform, entities]) =>
    entities.map((entity) => ({ platform, entity })),
  )
}

function find(platform: string): Entity {
  const found = readEntities().find((each) => each.platform === platform)
  if (found === undefined) throw new Error(`there is no ${platform}`)
  return found.entity
}

describe('configuration.yaml for Home Assistant', () => {
  test('reads from each topic what the house publishes there, and knows when a device is there', async () => {
    const { watcher } = await startHouse()
    const entities = readEntities()
    expect(new Set(entities.map(({ entity }) => entity['unique_id'])).size).toBe(entities.length)
    const readings = entities.flatMap(({ platform, entity }) => readingsOf(platform, entity))
    expect(readings.length).toBeGreaterThan(8)
    expect(await faultsOf(readings, watcher)).toEqual([])
    const available = entities.filter(({ entity }) => 'availability_topic' in entity)
    expect(available.length).toBeGreaterThan(3)
    for (const { entity } of available) {
      await watcher.until(textOf(entity, 'availability_topic'), ({ payload }) => payload === 'online', HOUSE_GUARD_MS)
    }
  })

  test('switches the lamp and sets the thermostat', async () => {
    const { watcher } = await startHouse()
    const light = find('light')
    const climate = find('climate')
    const [on = '', bright = '', off = '', warm = ''] = await render([
      { template: textOf(light, 'command_on_template'), values: {} },
      { template: textOf(light, 'command_on_template'), values: { brightness: 128 } },
      { template: textOf(light, 'command_off_template'), values: {} },
      { template: textOf(climate, 'temperature_command_template'), values: { value: 22.5 } },
    ])
    await watcher.until('devices/lamp-desk/status', ({ payload }) => payload === 'online', HOUSE_GUARD_MS)
    const send = async (command: string, expected: object): Promise<void> => {
      const before = watcher.messages.items.length
      watcher.publish(textOf(light, 'command_topic'), command)
      await watcher.until(
        textOf(light, 'state_topic'),
        (message) =>
          watcher.messages.items.indexOf(message) >= before &&
          Object.entries({ ...expected, isConfirmed: true }).every(
            ([key, value]) => JSON.parse(message.payload)[key] === value,
          ),
      )
    }
    await send(on, { isOn: true })
    await send(bright, { isOn: true, brightnessPercent: 50 })
    await send(off, { isOn: false })
    const setpoint = textOf(climate, 'temperature_state_topic')
    await watcher.until(setpoint, () => true, HOUSE_GUARD_MS)
    watcher.publish(textOf(climate, 'temperature_command_topic'), warm)
    await watcher.until(setpoint, ({ payload }) => JSON.parse(payload).setpointCelsius === 22.5)
  })
})

test('What the house announces to Home Assistant reads what the house publishes', async () => {
  const { watcher } = await startHouse('--home-assistant')
  const ids = [
    'thermostat-bedroom',
    'lamp-hall',
    'lamp-garden',
    'door-front',
    'meter-main',
    'tracker-car',
    'washing-machine',
  ]
  const readings: Reading[] = []
  for (const id of ids) {
    const topic = `homeassistant/device/${id}/config`
    const { payload } = await watcher.until(topic, () => true, HOUSE_GUARD_MS)
    const discovery: unknown = JSON.parse(payload)
    if (!Value.Check(Discovery, discovery)) throw new Error(`${payload} announces nothing`)
    const components = Object.values(discovery.components)
    readings.push(...components.flatMap((entity) => readingsOf(textOf(entity, 'platform'), entity)))
  }
  expect(readings.length).toBeGreaterThan(12)
  expect(await faultsOf(readings, watcher)).toEqual([])
})
