import { OPTIONS } from './options.ts'
import type { InputOf, ValueOf } from './schema.ts'

type Row = (typeof OPTIONS)[number]

type Key = Row['key']
type Section = Key extends infer K ? (K extends `${infer S}.${string}` ? S : never) : never
type Name<S extends string, K> = K extends `${S}.${infer N}` ? N : never
type TopLevel<K> = K extends `${string}.${string}` ? never : K

/**
 * The configuration of a hub, derived from the rows of `OPTIONS`. No limit is `Infinity`; what can be switched off is
 * `null` when it is off.
 */
export type Config = {
  readonly [R in Row as TopLevel<R['key']>]: ValueOf<R['schema']>
} & {
  readonly [S in Section]: { readonly [R in Row as Name<S, R['key']>]: ValueOf<R['schema']> }
}

/** What a program hands in: only what differs from the defaults. `http: false` is short for `http: { enabled: false }`. */
export type PartialConfig = {
  readonly [R in Row as TopLevel<R['key']>]?: InputOf<R['schema']> | undefined
} & {
  readonly [S in Section]?:
    | { readonly [R in Row as Name<S, R['key']>]?: InputOf<R['schema']> | undefined }
    | (`${S}.enabled` extends Key ? boolean : never)
    | undefined
}

/** The key of an option, with its section: `limits.maxPacketBytes`. */
export type OptionKey = Key

export type LogLevel = Config['logLevel']

/** Builds the nested object from values by dotted key. Every option must be there and checked. */
export function buildConfig(valueByKey: ReadonlyMap<string, unknown>): Config {
  const config: Record<string, unknown> = {}
  const sections = new Map<string, Record<string, unknown>>()
  for (const { key } of OPTIONS) {
    const value = valueByKey.get(key)
    const dot = key.indexOf('.')
    if (dot === -1) {
      config[key] = value
      continue
    }
    const name = key.slice(0, dot)
    let section = sections.get(name)
    if (section === undefined) {
      section = {}
      sections.set(name, section)
      config[name] = section
    }
    section[key.slice(dot + 1)] = value
  }
  for (const section of sections.values()) Object.freeze(section)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type is derived from the rows, and each row is here
  return Object.freeze(config) as unknown as Config
}

/** The value of an option in a configuration, by its dotted key. */
export function configValue(config: Config, key: string): unknown {
  let value: unknown = config
  for (const name of key.split('.')) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  }
  return value
}
