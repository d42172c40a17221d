import { startOf, visible } from './visible.ts'

/** What a device says of itself in `devices/<id>/about`, so much of it as a page can show. */
export interface Announcement {
  readonly kind: string | undefined
  readonly name: string | undefined
  /** 4: MQTT 3.1.1, where a request says in its JSON where to reply. */
  readonly protocol: 4 | 5
  readonly commands: readonly Command[]
  readonly omittedCommands: number
  /** What the members of its messages are, by the last level of the topic: `telemetry`, `state`, `event`. */
  readonly quantities: ReadonlyMap<string, readonly Field[]>
}

export interface Command {
  readonly name: string
  readonly title: string
  readonly fields: readonly Field[]
  readonly omittedFields: number
}

/** A member of a JSON object, as its schema has it. */
export interface Field {
  readonly name: string
  readonly title: string
  readonly unit: string | undefined
  readonly type: 'number' | 'integer' | 'boolean' | 'choice' | 'string' | 'json'
  readonly choices: readonly Choice[]
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly multipleOf: number | undefined
  readonly maxLength: number | undefined
  readonly pattern: string | undefined
  readonly isRequired: boolean
  /** The default: of a string the text, else JSON. */
  readonly initial: string | undefined
}

/** One of the values that a field may have. */
export interface Choice {
  readonly text: string
  readonly json: string
}

const CHANNELS = ['telemetry', 'state', 'event'] as const
const MAX_COMMANDS = 1000
const MAX_FIELDS = 200
/** Of so many nobody chooses: more are written as JSON. */
const MAX_CHOICES = 100
/** Of a title, a unit, a choice. */
const MAX_TEXT = 300
/** Of a default; a longer one is none. */
const MAX_INITIAL = 10_000

/** Reads an announcement; whatever has another form than it should is left out. */
export function readAnnouncement(about: string): Announcement {
  const all = parse(about)
  const commands = entries(member(all, 'commands'))
  return {
    kind: textOf(member(all, 'kind')),
    name: textOf(member(all, 'name')),
    protocol: member(all, 'protocol') === 4 ? 4 : 5,
    commands: commands.slice(0, MAX_COMMANDS).map(commandOf),
    omittedCommands: Math.max(0, commands.length - MAX_COMMANDS),
    quantities: new Map(CHANNELS.map((name) => [name, fieldsOf(member(member(all, name), 'schema')).fields])),
  }
}

function commandOf([name, one]: readonly [string, unknown]): Command {
  return {
    name,
    title: textOf(member(one, 'title')) ?? short(name),
    ...fieldsOf(member(one, 'parameters') ?? member(one, 'schema') ?? one),
  }
}

function fieldsOf(schema: unknown): Pick<Command, 'fields' | 'omittedFields'> {
  const required = member(schema, 'required')
  const names = new Set<unknown>(Array.isArray(required) ? required : [])
  const properties = entries(member(schema, 'properties'))
  return {
    fields: properties.slice(0, MAX_FIELDS).map(([name, field]) => fieldOf(name, field, names.has(name))),
    omittedFields: Math.max(0, properties.length - MAX_FIELDS),
  }
}

function fieldOf(name: string, schema: unknown, isRequired: boolean): Field {
  const choices = choicesOf(schema)
  const type = choices.length > 0 ? 'choice' : typeOf(member(schema, 'type'))
  return {
    name,
    title: textOf(member(schema, 'title')) ?? short(name),
    unit: textOf(member(schema, 'unit')),
    type,
    choices,
    minimum: numberOf(member(schema, 'minimum')),
    maximum: numberOf(member(schema, 'maximum')),
    multipleOf: numberOf(member(schema, 'multipleOf')),
    maxLength: numberOf(member(schema, 'maxLength')),
    pattern: textOf(member(schema, 'pattern')),
    isRequired,
    initial: initialOf(member(schema, 'default'), type),
  }
}

function choicesOf(schema: unknown): readonly Choice[] {
  const listed = valuesOf(schema)
  if (listed.length > MAX_CHOICES) return []
  const choices = new Map<string, Choice>()
  for (const value of listed) {
    const json = jsonOf(value)
    if (json === undefined) return []
    choices.set(json, { text: short(typeof value === 'string' ? value : json), json })
  }
  return [...choices.values()]
}

function valuesOf(schema: unknown): readonly unknown[] {
  const listed = member(schema, 'enum')
  if (Array.isArray(listed)) return listed
  const either = member(schema, 'anyOf')
  if (!Array.isArray(either)) return []
  const constants = either.map((one: unknown) => member(one, 'const'))
  return constants.includes(undefined) ? [] : constants
}

function initialOf(value: unknown, type: Field['type']): string | undefined {
  if (value === undefined) return undefined
  const text = type === 'string' && typeof value === 'string' ? value : jsonOf(value)
  return text === undefined || text.length > MAX_INITIAL ? undefined : text
}

/** Undefined for what is nested too deep to be written. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

function typeOf(type: unknown): Field['type'] {
  if (type === 'number' || type === 'integer' || type === 'boolean' || type === 'string') return type
  return 'json'
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.getOwnPropertyDescriptor(value, name)?.value
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? short(value) : undefined
}

function short(text: string): string {
  return text.length > MAX_TEXT ? `${visible(startOf(text, MAX_TEXT))}…` : visible(text)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
