import { writeFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { KINDS } from '../../devices/kinds.ts'
import { bundledScenarios, idsOf, loadScenario, parseScenario, ScenarioInvalid } from '../../devices/scenario.ts'

function mistakesOf(text: string): string[] {
  try {
    parseScenario(text, 'mine.yaml')
  } catch (error) {
    if (error instanceof ScenarioInvalid) return error.message.split('\n')
    throw error
  }
  return []
}

function countOf(name: string): number {
  return loadScenario(name).devices.reduce((sum, group) => sum + idsOf(group).length, 0)
}

describe('Scenarios', () => {
  test('that come with the program have the devices they promise', () => {
    expect([...bundledScenarios().keys()]).toEqual(['city', 'home', 'plant'])
    expect([countOf('home'), countOf('plant'), countOf('city')]).toEqual([12, 500, 10_000])
    const kindsAtHome = new Set(loadScenario('home').devices.map(({ kind }) => kind))
    expect(kindsAtHome).toEqual(new Set(KINDS.keys()))
  })

  test('are read from a file by its path', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hubbub-scenario-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'mine.yaml')
    writeFileSync(file, 'summary: mine\ndevices:\n  - { kind: lamp, count: 2, id: lamp-x }\n')
    expect(loadScenario(file).devices.flatMap((group) => idsOf(group))).toEqual(['lamp-x-1', 'lamp-x-2'])
  })

  test('that are not there are answered with those that are', () => {
    expect(() => loadScenario('huose')).toThrow('it must be a file or one of city, home, plant')
  })

  test('name every mistake with its line', () => {
    const text = [
      'summary: mine',
      'seed: -1',
      'devices:',
      '  - { kind: lmap, count: 0 }',
      '  - { kind: lamp, protocol: 4, colour: red }',
      'faults: { latencyMs: fast }',
    ].join('\n')
    expect(mistakesOf(text)).toEqual(
      expect.arrayContaining([
        'Cannot use mine.yaml:2: seed must be a whole number from 0 to 4294967295, it is -1',
        expect.stringMatching(
          /^Cannot use mine.yaml:4: devices\[0\]\.kind must be one of thermostat, .*, it is "lmap"$/,
        ),
        'Cannot use mine.yaml:4: devices[0].count must be a whole number from 1 to 100000, it is 0',
        'Cannot use mine.yaml:5: devices[1].protocol must be 5 or 3.1.1, it is 4',
        'Cannot use mine.yaml:5: there is no key devices[1].colour',
        'Cannot use mine.yaml:6: faults.latencyMs must be a number from 0 to 60000, it is "fast"',
      ]),
    )
  })

  test('with two devices of the same name, or no YAML at all, are refused', () => {
    expect(mistakesOf('summary: mine\ndevices:\n  - { kind: lamp }\n  - { kind: lamp, ids: [lamp-1] }\n')).toEqual([
      'Cannot use mine.yaml:4: devices[1] must have unique ids, "lamp-1" is there twice',
    ])
    expect(mistakesOf('devices: [\n')[0]).toMatch(/^Cannot use mine\.yaml:\d: /)
    expect(mistakesOf('')).not.toEqual([])
  })
})
