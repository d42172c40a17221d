import { isIP } from 'node:net'
import { formatBytes, readBytes } from '../base/bytes.ts'
import { quote } from '../base/quote.ts'
import { didYouMean, closest } from './closest.ts'
import type { Field, ListOption, NumberKind, Option } from './option.ts'

const HOST_NAME = /^[a-z0-9_]([a-z0-9._-]{0,252})$/i
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/
/** A topic filter of MQTT [MQTT-4.7.1-2] [MQTT-4.7.1-3]. */
const FILTER = /^(?:(?:\+|[^+#/\0]*)\/)*(?:#|\+|[^+#/\0]*)$/
/** Characters that need no escape in a URL [RFC 3986 §2.3]. */
const PATH = /^(\/[\w.~-]+)*\/?$/
const DECIMAL = /^[+-]?\d+(\.\d+)?$/

/** What a check found: the value as code uses it, or nothing. */
export type CheckedValue = { readonly isValid: true; readonly value: unknown } | { readonly isValid: false }

const INVALID: CheckedValue = { isValid: false }

/** Reads the text of an environment variable or a flag; what cannot be read stays text, for the check to refuse. */
export function readText(option: Option, text: string): unknown {
  if (option.kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (option.kind === 'origins') return text.trim() === '' ? [] : text.split(',').map((origin) => origin.trim())
  if (option.kind === 'list') return text.trim() === '' ? [] : readJson(text)
  if (option.kind === 'number') return text === 'null' ? null : DECIMAL.test(text) ? Number(text) : text
  return text
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Checks a value against its option and gives it the form that code uses. Takes anything and never throws. */
export function checkValue(option: Option | Field, value: unknown): CheckedValue {
  switch (option.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? { isValid: true, value } : INVALID
    case 'choice':
      return typeof value === 'string' && option.allowed.includes(value) ? { isValid: true, value } : INVALID
    case 'host':
      return typeof value === 'string' && isHost(value) ? { isValid: true, value } : INVALID
    case 'folder':
      return typeof value === 'string' && isFolder(value) ? { isValid: true, value } : INVALID
    case 'origins':
      return Array.isArray(value) && value.every((item) => isOrigin(item))
        ? { isValid: true, value: Object.freeze([...value]) }
        : INVALID
    case 'path':
      return typeof value === 'string' && value !== '' && PATH.test(value) ? { isValid: true, value } : INVALID
    case 'number':
      return checkNumber(option, value)
    case 'filter':
      return typeof value === 'string' && value !== '' && FILTER.test(value) ? { isValid: true, value } : INVALID
    case 'list':
      return checkList(option, value)
    default:
      return INVALID
  }
}

function checkList({ fields }: ListOption, value: unknown): CheckedValue {
  if (!Array.isArray(value)) return INVALID
  const items: unknown[] = []
  for (const item of value) {
    if (typeof item !== 'object' || item === null || itemFaults(fields, item).length > 0) return INVALID
    const checked: Record<string, unknown> = {}
    for (const field of fields) {
      const result = checkValue(field, Reflect.get(item, field.key))
      if (result.isValid) checked[field.key] = result.value
    }
    items.push(Object.freeze(checked))
  }
  return { isValid: true, value: Object.freeze(items) }
}

/** What is wrong with an item of a list: the field, and why; no field when it is the item itself. */
function itemFaults(fields: readonly Field[], item: object): (readonly [field: string, what: string])[] {
  const faults: (readonly [string, string])[] = []
  const names = fields.map(({ key }) => key)
  for (const name of Object.keys(item)) {
    if (!names.includes(name)) faults.push([name, `is not known${didYouMean(closest(name, names))}`])
  }
  for (const field of fields) {
    const value: unknown = Reflect.get(item, field.key)
    const isRequired = field.kind === 'filter' && field.isRequired === true
    if (value === undefined && !isRequired) continue
    if (value === undefined) faults.push([field.key, `must be ${allowedText(field)}, it is missing`])
    else if (!checkValue(field, value).isValid) faults.push([field.key, describeFieldFault(field, value)])
  }
  return faults
}

function checkNumber(option: NumberKind, value: unknown): CheckedValue {
  const { unit, min, max, nullMeans } = option
  if (nullMeans !== undefined && (value === null || value === nullMeans)) return { isValid: true, value: nullMeans }
  const number = unit === 'bytes' && typeof value === 'string' ? readBytes(value) : value
  if (typeof number !== 'number' || !(number >= min && number <= max)) return INVALID
  if (!isFractional(unit) && !Number.isInteger(number)) return INVALID
  return { isValid: true, value: number + 0 } // -0 becomes 0
}

function isFractional(unit: NumberKind['unit']): boolean {
  return unit === 'seconds' || unit === 'messages/s' || unit === 'days'
}

function isHost(host: string): boolean {
  return isIP(host) !== 0 || HOST_NAME.test(host)
}

function isFolder(folder: string): boolean {
  return folder.trim() !== '' && !folder.includes('\0')
}

/** A browser sends its origin in lower case and without the scheme's own port: another spelling would never match. */
function isOrigin(origin: unknown): boolean {
  if (typeof origin !== 'string') return false
  if (origin === '*') return true
  if (!ORIGIN.test(origin)) return false
  if (!origin.startsWith('http:') && !origin.startsWith('https:')) return true
  return URL.canParse(origin) && new URL(origin).origin === origin
}

/** What an option may be, as the end of "must be …". */
export function allowedText(option: Option | Field): string {
  if (option.kind === 'choice') return orList(option.allowed.map((allowed) => JSON.stringify(allowed)))
  if (option.kind === 'folder') return `a folder, or ${JSON.stringify(option.noFolder)}`
  if (option.kind === 'list') {
    const fields = option.fields.map((field) => `${field.key} (${allowedText(field)})`)
    return `a list of ${option.itemName}s, each with ${andList(fields)}`
  }
  if (option.kind !== 'number') return ALLOWED_TEXTS[option.kind]
  const range = `${isFractional(option.unit) ? 'a' : 'a whole'} number from ${option.min} to ${option.max}`
  return option.nullMeans === undefined ? range : `${range} or null`
}

const ALLOWED_TEXTS = {
  boolean: 'true or false',
  host: 'an IP address or a host name',
  path: 'a path such as "/hub", of letters, digits, "-", ".", "_" and "~"',
  filter: 'a topic filter such as "devices/#"',
  origins: 'a list of origins as a browser sends them, such as "https://app.example.org", or "*"',
}

function orList(items: readonly string[]): string {
  const last = items.at(-1) ?? ''
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} or ${last}`
}

function andList(items: readonly string[]): string {
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`
}

/** A value that was refused: what is wrong, and where in the value when it is a list: `[2].filter`. */
export interface Fault {
  readonly at: string
  /** Begins with the key: `limits.maxPacketBytes must be a whole number from 128 to 268435455, it is -1`. */
  readonly what: string
}

/** Says why a value was refused; there may be several reasons in a list. */
export function describeFaults(option: Option, value: unknown): Fault[] {
  if (option.kind !== 'list') return [{ at: '', what: `${option.key} ${describeFieldFault(option, value)}` }]
  const { key, fields, itemName } = option
  if (!Array.isArray(value)) return [{ at: '', what: `${key} must be a list of ${itemName}s, it is ${quote(value)}` }]
  return value.flatMap((item: unknown, i): Fault[] => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      return [{ at: `[${i}]`, what: `${key}[${i}] must be a ${itemName} with fields by name, it is ${quote(item)}` }]
    }
    return itemFaults(fields, item).map(([field, what]) => ({
      at: `[${i}].${field}`,
      what: `${key}[${i}].${field} ${what}`,
    }))
  })
}

function describeFieldFault(option: Option | Field, value: unknown): string {
  const size = option.kind === 'number' && option.unit === 'bytes' && typeof value === 'string'
  return `must be ${allowedText(option)}${size ? ', or a size such as "64 KiB"' : ''}, it is ${quote(value)}`
}

/** A value as a person writes it in a file: `1 MiB`, `null`, `https://a.example, https://b.example`. */
export function formatValue(option: Option, value: unknown): string {
  if (value === Infinity || value === null) return 'null'
  if (option.kind === 'list') return JSON.stringify(value)
  if (Array.isArray(value)) return value.length === 0 ? '[]' : value.join(', ')
  if (option.kind !== 'number' || option.unit !== 'bytes') return typeof value === 'string' ? value : quote(value)
  const bytes = Number(value)
  const text = formatBytes(bytes)
  return readBytes(text) === bytes ? text : String(bytes)
}
