/** A command that a device announces. */
export interface Command {
  readonly name: string
  readonly title: string
  readonly fields: readonly Field[]
}

export interface Field {
  readonly name: string
  readonly type: 'number' | 'boolean' | 'string'
  readonly choices: readonly string[]
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly initial: unknown
}

/**
 * The commands of `devices/<id>/about`: `commands` is an object by name, or an array with `name` in each; the fields of one are a
 * JSON Schema in `schema` or `input`, or its `properties`, `parameters` or `fields` by name. Anything else is no command.
 */
export function readCommands(about: string): readonly Command[] {
  const announced = member(parse(about), 'commands')
  if (Array.isArray(announced)) {
    return announced.flatMap((one: unknown) => {
      const name = typeof one === 'string' ? one : member(one, 'name')
      return typeof name === 'string' ? [commandOf(name, one)] : []
    })
  }
  return entries(announced).map(([name, one]) => commandOf(name, one))
}

function commandOf(name: string, one: unknown): Command {
  const title = member(one, 'title')
  const schema = member(one, 'schema') ?? member(one, 'input') ?? one
  const fields = member(schema, 'properties') ?? member(schema, 'parameters') ?? member(schema, 'fields')
  return { name, title: typeof title === 'string' ? title : name, fields: entries(fields).map(fieldOf) }
}

function fieldOf([name, schema]: readonly [string, unknown]): Field {
  const declared = typeof schema === 'string' ? schema : member(schema, 'type')
  const type =
    declared === 'number' || declared === 'integer' ? 'number' : declared === 'boolean' ? 'boolean' : 'string'
  const listed = member(schema, 'enum')
  const choices = Array.isArray(listed) ? listed.map(String) : []
  const minimum = numberOf(member(schema, 'minimum'))
  const initial =
    member(schema, 'default') ?? (type === 'boolean' ? false : type === 'number' ? (minimum ?? 0) : (choices[0] ?? ''))
  return { name, type, choices, minimum, maximum: numberOf(member(schema, 'maximum')), initial }
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

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
