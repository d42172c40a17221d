import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { LineCounter, parseDocument } from 'yaml'
import { KINDS } from './kinds.ts'

/** A scenario that cannot be used; the message has a line for each mistake. */
export class ScenarioInvalid extends Error {}

/** Each key says in words what it must be, for the message about a wrong value. */
function wanted<T extends TSchema>(schema: T, words: string): T {
  return { ...schema, wanted: words }
}

const kindNames = [...KINDS.keys()]
const seconds = (least: number) =>
  wanted(Type.Number({ minimum: least, maximum: 86_400 }), `a number of seconds from ${least} to 86400`)

const FaultsKeys = wanted(
  Type.Object(
    {
      latencyMs: Type.Optional(wanted(Type.Number({ minimum: 0, maximum: 60_000 }), 'a number from 0 to 60000')),
      dropEverySeconds: Type.Optional(seconds(0)),
      clockSkewSeconds: Type.Optional(
        wanted(Type.Number({ minimum: -1e9, maximum: 1e9 }), 'a number from -1000000000 to 1000000000'),
      ),
    },
    { additionalProperties: false },
  ),
  'a group of keys',
)

const Group = wanted(
  Type.Object(
    {
      kind: wanted(Type.Enum(kindNames), `one of ${kindNames.join(', ')}`),
      count: Type.Optional(wanted(Type.Integer({ minimum: 1, maximum: 100_000 }), 'a whole number from 1 to 100000')),
      /** `lamp` gives lamp-1, lamp-2, …; by default the kind. */
      id: Type.Optional(wanted(Type.String({ pattern: '^[\\w.-]+$' }), 'letters, digits, ".", "_" and "-"')),
      /** One device for each, instead of `count`. */
      ids: Type.Optional(
        wanted(
          Type.Array(wanted(Type.String({ pattern: '^[\\w.-]+$' }), 'letters, digits, ".", "_" and "-"'), {
            minItems: 1,
          }),
          'a list of ids',
        ),
      ),
      everySeconds: Type.Optional(seconds(0.01)),
      protocol: Type.Optional(wanted(Type.Enum([5, '3.1.1']), '5 or 3.1.1')),
      transport: Type.Optional(wanted(Type.Enum(['tcp', 'websocket']), '"tcp" or "websocket"')),
      faults: Type.Optional(FaultsKeys),
    },
    { additionalProperties: false },
  ),
  'a group of keys',
)

const ScenarioKeys = wanted(
  Type.Object(
    {
      summary: wanted(Type.String({ minLength: 1 }), 'a line of text'),
      seed: Type.Optional(
        wanted(Type.Integer({ minimum: 0, maximum: 4_294_967_295 }), 'a whole number from 0 to 4294967295'),
      ),
      speed: Type.Optional(wanted(Type.Number({ minimum: 0.01, maximum: 3600 }), 'a number from 0.01 to 3600')),
      /** When the simulated time begins; by default it is now. */
      start: Type.Optional(
        wanted(
          Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?Z$' }),
          'a time such as 2026-01-15T06:30:00Z',
        ),
      ),
      faults: Type.Optional(FaultsKeys),
      devices: wanted(Type.Array(Group, { minItems: 1 }), 'a list with at least one group of devices'),
    },
    { additionalProperties: false },
  ),
  'a group of keys',
)

/** What a scenario file says. */
export type Scenario = Static<typeof ScenarioKeys>
export type ScenarioGroup = Static<typeof Group>

/** The scenarios that come with the program, with the path of each. */
export function bundledScenarios(): ReadonlyMap<string, string> {
  const folder = scenarioFolder()
  return new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.yaml'))
      .toSorted()
      .map((file) => [basename(file, '.yaml'), join(folder, file)]),
  )
}

/** Reads a scenario by the name of a bundled one or by the path of a file. Throws ScenarioInvalid. */
export function loadScenario(nameOrPath: string): Scenario {
  const bundled = bundledScenarios()
  const path = bundled.get(nameOrPath) ?? nameOrPath
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const names = [...bundled.keys()].join(', ')
    throw new ScenarioInvalid(`Cannot read the scenario "${nameOrPath}": it must be a file or one of ${names}`, {
      cause,
    })
  }
  return parseScenario(text, basename(path))
}

/** Checks the text of a scenario; `source` is what messages call it. Throws ScenarioInvalid with every mistake. */
export function parseScenario(text: string, source: string): Scenario {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const place = (offset: number | undefined): string =>
    offset === undefined ? source : `${source}:${lines.linePos(offset).line}`
  const [unreadable] = document.errors
  if (unreadable !== undefined) {
    throw new ScenarioInvalid(
      `Cannot use ${place(unreadable.pos[0])}: ${unreadable.message.split('\n')[0]?.replace(/:$/, '')}`,
    )
  }
  const value: unknown = document.toJS()
  const offsetOf = (path: readonly (string | number)[]): number | undefined => {
    const node: unknown = path.length === 0 ? document.contents : document.getIn(path, true)
    if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined
    return typeof node.range[0] === 'number' ? node.range[0] : undefined
  }
  const mistakes = findMistakes(value)
  if (Value.Check(ScenarioKeys, value) && mistakes.length === 0) return value
  throw new ScenarioInvalid(
    mistakes.map(({ path, text: mistake }) => `Cannot use ${place(offsetOf(path))}: ${mistake}`).join('\n'),
  )
}

interface Mistake {
  readonly path: readonly (string | number)[]
  readonly text: string
}

function findMistakes(value: unknown): Mistake[] {
  const mistakes = Value.Errors(ScenarioKeys, value).flatMap((error): Mistake[] => {
    const path = error.instancePath
      .split('/')
      .slice(1)
      .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    const name = nameOf(path)
    switch (error.keyword) {
      case 'required':
        return error.params.requiredProperties.map((key) => ({ path, text: `${nameOf([...path, key])} is missing` }))
      case 'additionalProperties':
        return error.params.additionalProperties.map((key) => ({
          path: [...path, key],
          text: `there is no key ${nameOf([...path, key])}`,
        }))
      case 'boolean': // said by "additionalProperties"
        return []
      default:
        return [
          {
            path,
            text: `${name === '' ? 'the file' : name} must be ${wantedAt(path)}, it is ${JSON.stringify(valueAt(value, path))}`,
          },
        ]
    }
  })
  return mistakes.length === 0 && Value.Check(ScenarioKeys, value) ? findClashes(value) : mistakes
}

/** What no schema can check: ids that clash, and groups with both "ids" and "count". */
function findClashes({ devices, start }: Scenario): Mistake[] {
  const mistakes: Mistake[] = []
  if (start !== undefined && Number.isNaN(Date.parse(start))) {
    mistakes.push({ path: ['start'], text: `start must be a time such as 2026-01-15T06:30:00Z, it is "${start}"` })
  }
  const seen = new Set<string>()
  for (const [index, group] of devices.entries()) {
    if (group.ids !== undefined && (group.count !== undefined || group.id !== undefined)) {
      mistakes.push({
        path: ['devices', index],
        text: `devices[${index}] must have either "ids", or "count" and "id", it has both`,
      })
    }
    for (const id of idsOf(group)) {
      if (seen.has(id)) {
        mistakes.push({
          path: ['devices', index],
          text: `devices[${index}] must have unique ids, "${id}" is there twice`,
        })
      }
      seen.add(id)
    }
  }
  return mistakes
}

/** The ids of the devices of a group, in order. */
export function idsOf({ kind, count = 1, id = kind, ids }: ScenarioGroup): readonly string[] {
  return ids ?? Array.from({ length: count }, (_, index) => `${id}-${index + 1}`)
}

/** `devices[0].count` */
function nameOf(path: readonly (string | number)[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('')
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === 'object' && inner !== null
        ? Object.entries(inner).find(([key]) => key === String(part))?.[1]
        : undefined,
    value,
  )
}

/** The words of the schema at a place. */
function wantedAt(path: readonly (string | number)[]): string {
  let schema: unknown = ScenarioKeys
  for (const part of path)
    schema = typeof part === 'number' ? valueAt(schema, ['items']) : valueAt(schema, ['properties', part])
  return String(valueAt(schema, ['wanted']))
}

/** The YAML files are not compiled, so they lie beside the sources only: `devices/scenarios` of the clone. */
function scenarioFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return join(folder, 'devices', 'scenarios')
}
