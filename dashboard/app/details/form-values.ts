import type { Field } from '../../worker/announcement.ts'

/** What stands in the inputs of a form, as text; '' is nothing. */
export type Values = Readonly<Record<string, string>>

export function initialValues(fields: readonly Field[]): Values {
  return Object.fromEntries(fields.map((field) => [field.name, initialText(field)]))
}

/** The parameters of a command; what may be left out and was not given is. */
export function parametersOf(fields: readonly Field[], values: Values): Record<string, unknown> {
  // Set one by one, a parameter named `__proto__` would be lost.
  return Object.fromEntries(
    fields.flatMap((field) => {
      const text = values[field.name] ?? ''
      const isGiven = text !== '' || (field.type === 'string' && field.isRequired)
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

function initialText({ type, initial, minimum, isRequired, choices }: Field): string {
  if (initial !== undefined) return initial
  if (!isRequired) return ''
  if (type === 'boolean') return 'false'
  if (type === 'choice') return choices[0]?.json ?? ''
  return type === 'number' || type === 'integer' ? String(minimum ?? 0) : ''
}

function valueOf({ type }: Field, text: string): unknown {
  if (type === 'string') return text
  return type === 'number' || type === 'integer' ? Number(text) : JSON.parse(text)
}
