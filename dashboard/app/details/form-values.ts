import type { Field } from '../../worker/announcement.ts'

/** Members of a JSON object, by name. */
export type Members = ReadonlyMap<string, unknown>

/** What stands in the inputs of a form, as text, by the name of the field. */
export type Values = ReadonlyMap<string, string>

/** A field that is to have another value than the device has now. */
export interface Change {
  readonly field: Field
  readonly from: string
  readonly to: string
}

/** The values that a device has now, as far as one of `said` has them; the first that does is believed. */
export function currentValues(fields: readonly Field[], said: readonly (Members | undefined)[]): Values {
  const current = new Map<string, string>()
  for (const field of fields) {
    for (const members of said) {
      const text = members?.has(field.name) === true ? textOf(field, members.get(field.name)) : undefined
      if (text === undefined) continue
      current.set(field.name, text)
      break
    }
  }
  return current
}

/** What stands in a field: what was put there, else the value that the device has, else the default; '' is nothing. */
export function valueIn(field: Field, edits: Values, current: Values): string {
  return edits.get(field.name) ?? current.get(field.name) ?? field.initial ?? ''
}

/** What a command would change of what is known. */
export function changesOf(fields: readonly Field[], edits: Values, current: Values): readonly Change[] {
  return fields.flatMap((field) => {
    const from = current.get(field.name)
    const to = edits.get(field.name)
    if (from === undefined || to === undefined || isSame(field, from, to)) return []
    // An empty text is a value; of the others it means that the field is left out.
    return to === '' && field.type !== 'string' ? [] : [{ field, from, to }]
  })
}

/** Why a command is not to be run: something required has no value, or it would change nothing; undefined when it may be. */
export function runFault(
  fields: readonly Field[],
  edits: Values,
  current: Values,
): 'missing' | 'unchanged' | undefined {
  const isMissing = (field: Field): boolean =>
    field.isRequired && valueIn(field, edits, current) === '' && !(field.type === 'string' && current.has(field.name))
  if (fields.some(isMissing)) return 'missing'
  const isAdded = ({ name, initial }: Field): boolean =>
    !current.has(name) && (edits.get(name) ?? '') !== '' && edits.get(name) !== initial
  const isChanging = current.size === 0 || changesOf(fields, edits, current).length > 0 || fields.some(isAdded)
  return isChanging ? undefined : 'unchanged'
}

/** The parameters of a command. What may be left out and has no value, or the one that it has already, is left out. */
export function parametersOf(fields: readonly Field[], edits: Values, current: Values): Record<string, unknown> {
  const changed = new Set(changesOf(fields, edits, current).map(({ field }) => field))
  // Set one by one, a parameter named `__proto__` would be lost.
  return Object.fromEntries(
    fields.flatMap((field) => {
      const text = valueIn(field, edits, current)
      const isGiven = current.has(field.name) ? field.isRequired || changed.has(field) : text !== ''
      return isGiven ? [[field.name, valueOf(field, text)]] : []
    }),
  )
}

/** What is wrong with a text that is to be JSON; undefined when nothing is. */
export function jsonFault(text: string): string | undefined {
  if (text === '') return undefined
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** A value as its input has it; undefined for one that the field cannot have. */
function textOf({ type, choices }: Field, value: unknown): string | undefined {
  if (type === 'string') return typeof value === 'string' ? value : undefined
  if (type === 'boolean') return typeof value === 'boolean' ? String(value) : undefined
  if (type === 'number' || type === 'integer') return typeof value === 'number' ? String(value) : undefined
  const json = JSON.stringify(value)
  return type === 'json' || choices.some((choice) => choice.json === json) ? json : undefined
}

function valueOf({ type }: Field, text: string): unknown {
  if (type === 'string') return text
  return type === 'number' || type === 'integer' ? Number(text) : JSON.parse(text)
}

/** `21` and `21.0` are one number, `{"a":1}` and `{ "a": 1 }` one value. */
function isSame(field: Field, one: string, other: string): boolean {
  if (one === other) return true
  if (one === '' || other === '' || jsonFault(one) !== undefined || jsonFault(other) !== undefined) return false
  return field.type !== 'string' && JSON.stringify(valueOf(field, one)) === JSON.stringify(valueOf(field, other))
}
