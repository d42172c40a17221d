import { formatBytes, readBytes } from '../base/bytes.ts'
import { quote } from '../base/quote.ts'
import { plainOf, Written } from '../base/written.ts'
import type { ItemSchema, Schema } from './schema.ts'

const HIDDEN = '(hidden)'

/** What a value may be, as the end of "must be …". */
export function allowedText(schema: Schema | ItemSchema): string {
  if ('enum' in schema) return orList(schema.enum.map((word) => JSON.stringify(word)))
  switch (schema.type) {
    case 'string':
      return schema.none === undefined ? schema.wanted : `${schema.wanted}, or null`
    case 'written':
      return schema.wanted
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'wanted' in schema
        ? schema.wanted
        : `a list of ${schema.items.title}s, each with ${fieldsText(schema.items)}`
    case 'object':
      return `a ${schema.title} with fields by name`
    default: {
      const range = `${schema.type === 'integer' ? 'a whole' : 'a'} number from ${schema.minimum} to ${schema.maximum}`
      return schema.none === undefined ? range : `${range} or null`
    }
  }
}

function fieldsText({ properties }: ItemSchema): string {
  const fields = Object.entries(properties).map(([name, field]) => `${name} (${allowedText(field)})`)
  return `${fields.slice(0, -1).join(', ')} and ${fields.at(-1) ?? ''}`
}

function orList(items: readonly string[]): string {
  const last = items.at(-1) ?? ''
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} or ${last}`
}

/** A value as a person writes it in a file: `1 MiB`, `null`, `https://a.example, https://b.example`. */
export function formatValue(schema: Schema, value: unknown): string {
  const shown = hideSecrets(schema, value)
  if (value instanceof Written) return JSON.stringify(shown)
  if (shown === Infinity || shown === null) return 'null'
  if (Array.isArray(shown) && 'items' in schema) {
    return 'properties' in schema.items || shown.length === 0 ? JSON.stringify(shown) : shown.join(', ')
  }
  if (typeof shown !== 'number' || !('unit' in schema)) return typeof shown === 'string' ? shown : quote(shown)
  const text = formatBytes(shown)
  return readBytes(text) === shown ? text : String(shown)
}

/** The value with a word in place of each secret. */
export function hideSecrets(schema: Schema | ItemSchema, value: unknown): unknown {
  if (value instanceof Written) return plainOf(value)
  if (!holdsSecret(schema)) return value
  if ('items' in schema && Array.isArray(value)) return value.map((item) => hideSecrets(schema.items, item))
  if (!('properties' in schema) || typeof value !== 'object' || value === null) return HIDDEN
  return Object.fromEntries(
    Object.entries(value).map(([name, part]): [string, unknown] => {
      const field = schema.properties[name]
      return [name, field === undefined ? part : hideSecrets(field, part)]
    }),
  )
}

/** Tells whether what a value of the schema says must not be printed, or a part of it. */
export function holdsSecret(schema: Schema | ItemSchema): boolean {
  if ('items' in schema) return holdsSecret(schema.items)
  if ('properties' in schema) return Object.values(schema.properties).some((field) => holdsSecret(field))
  return 'writeOnly' in schema
}
