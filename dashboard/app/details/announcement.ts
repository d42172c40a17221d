/** What a device says of itself in `devices/<id>/about`. */
export interface Announcement {
  readonly kind: string | undefined
  readonly name: string | undefined
  /** 4: MQTT 3.1.1, where a request says in its JSON where to reply. */
  readonly protocol: 4 | 5
  readonly commands: readonly Command[]
  /** What the members of its messages are, by the last level of the topic: `telemetry`, `state`, `event`. */
  readonly quantities: Readonly<Record<string, readonly Field[]>>
}

export interface Command {
  readonly name: string
  readonly title: string
  readonly fields: readonly Field[]
}

/** A member of a JSON object, as its schema has it. */
export interface Field {
  readonly name: string
  readonly title: string
  readonly unit: string | undefined
  readonly type: 'number' | 'integer' | 'boolean' | 'choice' | 'string' | 'json'
  readonly choices: readonly unknown[]
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly multipleOf: number | undefined
  readonly maxLength: number | undefined
  readonly pattern: string | undefined
  readonly isRequired: boolean
  readonly initial: unknown
}

const CHANNELS = ['telemetry', 'state', 'event'] as const

/** Reads an announcement; whatever has another form than it should is left out. */
export function readAnnouncement(about: string): Announcement {
  const all = parse(about)
  const quantities = Object.fromEntries(CHANNELS.map((name) => [name, fieldsOf(member(member(all, name), 'schema'))]))
  return {
    kind: textOf(member(all, 'kind')),
    name: textOf(member(all, 'name')),
    protocol: member(all, 'protocol') === 4 ? 4 : 5,
    commands: entries(member(all, 'commands')).map(commandOf),
    quantities,
  }
}

function commandOf([name, one]: readonly [string, unknown]): Command {
  return {
    name,
    title: textOf(member(one, 'title')) ?? name,
    fields: fieldsOf(member(one, 'parameters') ?? member(one, 'schema') ?? one),
  }
}

function fieldsOf(schema: unknown): readonly Field[] {
  const required = member(schema, 'required')
  const names: readonly unknown[] = Array.isArray(required) ? required : []
  return entries(member(schema, 'properties')).map(([name, field]) => fieldOf(name, field, names.includes(name)))
}

function fieldOf(name: string, schema: unknown, isRequired: boolean): Field {
  const choices = choicesOf(schema)
  return {
    name,
    title: textOf(member(schema, 'title')) ?? name,
    unit: textOf(member(schema, 'unit')),
    type: choices.length > 0 ? 'choice' : typeOf(member(schema, 'type')),
    choices,
    minimum: numberOf(member(schema, 'minimum')),
    maximum: numberOf(member(schema, 'maximum')),
    multipleOf: numberOf(member(schema, 'multipleOf')),
    maxLength: numberOf(member(schema, 'maxLength')),
    pattern: textOf(member(schema, 'pattern')),
    isRequired,
    initial: member(schema, 'default'),
  }
}

function choicesOf(schema: unknown): readonly unknown[] {
  const listed = member(schema, 'enum')
  if (Array.isArray(listed)) return listed
  const either = member(schema, 'anyOf')
  if (!Array.isArray(either)) return []
  const constants = either.map((one: unknown) => member(one, 'const'))
  return constants.includes(undefined) ? [] : constants
}

function typeOf(type: unknown): Field['type'] {
  if (type === 'number' || type === 'integer' || type === 'boolean' || type === 'string') return type
  return 'json'
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}

function member(value: unknown, name: string): unknown {
  return entries(value).find(([own]) => own === name)?.[1]
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
