import { Check } from 'typebox/schema'
import { readBytes } from '../base/bytes.ts'
import { quote } from '../base/quote.ts'
import { closest, didYouMean } from '../base/closest.ts'
import { isWrittenList, isWrittenMapping, plainOf, writtenBy } from '../base/written.ts'
import type { ItemSchema, NumberSchema, Schema, WrittenSchema } from './schema.ts'
import { allowedText, holdsSecret } from './value-text.ts'

const DECIMAL = /^[+-]?\d+(\.\d+)?$/

/** A value that was refused: what is wrong, and where in the option when it is a list: `[2].filter`. */
export interface Fault {
  readonly at: string
  /** Begins with the key: `limits.maxPacketBytes must be a whole number from 128 to 268435455, it is -1`. */
  readonly what: string
}

/** Reads the text of an environment variable or a flag; what cannot be read stays text, for the check to refuse. */
export function readText(schema: Schema, text: string): unknown {
  if ('enum' in schema) return text
  if (schema.type === 'string') return schema.none !== undefined && text === 'null' ? null : text
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (schema.type !== 'array' && schema.type !== 'written')
    return text === 'null' ? null : DECIMAL.test(text) ? Number(text) : text
  if (text.trim() === '') return []
  if (schema.type === 'array' && !('properties' in schema.items)) return text.split(',').map((item) => item.trim())
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Checks values of one option and gives them the form that code uses. */
export class ValueReader {
  readonly #key: string
  readonly #origin: string
  /** Everything that is wrong with what was read so far. */
  readonly faults: Fault[] = []

  /** `origin` is where values were read that do not tell it themselves. */
  constructor(key: string, origin = key) {
    this.#key = key
    this.#origin = origin
  }

  /** The value as code has it, frozen; it counts only while there are no faults. Takes anything and never throws. */
  read(schema: Schema | ItemSchema, value: unknown, at = ''): unknown {
    if ('form' in schema) return this.#readWritten(schema, value, at)
    if ('items' in schema) {
      if (!Array.isArray(value)) return this.#refuse(schema, value, at)
      return Object.freeze(Array.from(value, (item: unknown, i) => this.read(schema.items, item, `${at}[${i}]`)))
    }
    if ('properties' in schema) return this.#readItem(schema, value, at)
    if (isNumber(schema)) {
      if (schema.none !== undefined && (value === null || value === noneOf(schema))) return noneOf(schema)
      const number = schema.unit === 'bytes' && typeof value === 'string' ? readBytes(value) : value
      return Check(schema, number) ? number + 0 : this.#refuse(schema, value, at) // -0 becomes 0
    }
    if ('none' in schema && schema.none !== undefined && value === null) return null
    return Check(schema, value) ? value : this.#refuse(schema, value, at)
  }

  /** Nothing at all is an empty one, as of a section in which every line is a comment. */
  #readWritten(schema: WrittenSchema, value: unknown, at: string): unknown {
    const written = writtenBy(value, this.#origin)
    const isRight = schema.form === 'list' ? isWrittenList(written.value) : isWrittenMapping(written.value)
    return isRight || written.value === null ? written : this.#refuse(schema, plainOf(written), at)
  }

  #readItem(schema: ItemSchema, value: unknown, at: string): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.#refuse(schema, value, at)
    const { properties, required } = schema
    const names = Object.keys(properties)
    const item: Record<string, unknown> = {}
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) this.#add(`${at}.${name}`, `is not known${didYouMean(closest(name, names))}`)
    }
    for (const [name, field] of Object.entries(properties)) {
      const part: unknown = Reflect.get(value, name)
      if (part !== undefined) item[name] = this.read(field, part, `${at}.${name}`)
      else if (required.includes(name)) this.#add(`${at}.${name}`, `must be ${allowedText(field)}, it is missing`)
    }
    return Object.freeze(item)
  }

  #refuse(schema: Schema | ItemSchema, value: unknown, at: string): undefined {
    const isItems = 'items' in schema && 'properties' in schema.items
    const wanted = isItems ? `a list of ${schema.items.title}s` : allowedText(schema)
    const size = 'unit' in schema && typeof value === 'string' ? ', or a size such as "64 KiB"' : ''
    this.#add(at, `must be ${wanted}${size}, it is ${holdsSecret(schema) ? 'not' : quote(value)}`)
  }

  #add(at: string, what: string): void {
    this.faults.push({ at, what: `${this.#key}${at} ${what}` })
  }
}

/** What `null` is in code. */
export function noneOf({ none }: NumberSchema): number | null {
  return none === 'unlimited' ? Infinity : null
}

function isNumber(schema: Schema): schema is NumberSchema {
  return 'minimum' in schema
}
