import type { Written } from '../base/written.ts'

/**
 * What an option or a part of it may be: plain JSON Schema, which TypeBox checks, with a few words of ours. It is not made
 * with TypeBox's builder, whose 300 modules every start would load.
 */
export type Schema = ValueSchema | ListSchema | WrittenSchema

export type ValueSchema = BooleanSchema | NumberSchema | ChoiceSchema | TextSchema

export interface BooleanSchema {
  readonly type: 'boolean'
}

export interface NumberSchema {
  readonly type: 'integer' | 'number'
  readonly minimum: number
  readonly maximum: number
  /** May also be written as a size: `64 KiB`. */
  readonly unit?: 'bytes'
  /**
   * What `null` means, without which `null` is a mistake: 'unlimited' is `Infinity` in code; 'off', and 'automatic' (the hub finds a
   * value by itself), are `null`.
   */
  readonly none?: 'unlimited' | 'off' | 'automatic'
}

export interface ChoiceSchema {
  readonly enum: readonly string[]
}

export interface TextSchema {
  readonly type: 'string'
  readonly pattern?: string
  /** What no pattern can say, in the form that TypeBox has for it. */
  readonly '~refine'?: readonly [{ readonly check: (text: string) => boolean; readonly error: () => string }]
  /** What it must be, as the end of "must be …". */
  readonly wanted: string
  /** What stands for it in the help. */
  readonly placeholder?: string
  /** It may be left out by `null`, which it is then in code. */
  readonly none?: 'off'
  /** It is a secret: nothing prints its value, neither a list of options nor an error. */
  readonly writeOnly?: true
}

/** A list of values, which a variable or a flag separates by commas, or of items with fields, which are JSON there. */
export type ListSchema =
  | {
      readonly type: 'array'
      readonly items: ValueSchema
      /** What the list must be, as the end of "must be …". */
      readonly wanted: string
    }
  | { readonly type: 'array'; readonly items: ItemSchema }

/** What a list has many of. A field that may be left out is then undefined. */
export interface ItemSchema {
  readonly type: 'object'
  /** What one is called. */
  readonly title: string
  readonly properties: Readonly<Record<string, Schema>>
  readonly required: readonly string[]
}

/**
 * What another room reads part by part, since it is a language of its own; here only its outermost form is looked at. In code it is
 * `Written`, so that what is wrong can be told with its line.
 */
export interface WrittenSchema<Input = unknown> {
  readonly type: 'written'
  readonly form: 'list' | 'mapping'
  readonly wanted: string
  /** For types alone: what a program may write. */
  readonly input?: Input
}

export function isWritten(schema: Schema): schema is WrittenSchema {
  return 'type' in schema && schema.type === 'written'
}

export const BOOLEAN = { type: 'boolean' } as const

/** Tells whether it is true or false, so that its flag needs no value. */
export function isBoolean(schema: Schema): schema is BooleanSchema {
  return 'type' in schema && schema.type === 'boolean'
}

/** A whole number. */
export function whole(minimum: number, maximum: number) {
  return { type: 'integer', minimum, maximum } as const
}

/** A number that may have a fraction. */
export function number(minimum: number, maximum: number) {
  return { type: 'number', minimum, maximum } as const
}

/** A size in bytes. */
export function bytes(minimum: number, maximum: number) {
  return { type: 'integer', minimum, maximum, unit: 'bytes' } as const
}

/** One of some words. */
export function choice<const Words extends readonly string[]>(...words: Words) {
  return { enum: words } as const
}

/** The number, or `null` for no limit. */
export function orUnlimited<const S extends NumberSchema>(schema: S): S & { readonly none: 'unlimited' } {
  return { ...schema, none: 'unlimited' }
}

/** The number, or `null` to switch off what it is for. */
export function orOff<const S extends NumberSchema>(schema: S): S & { readonly none: 'off' } {
  return { ...schema, none: 'off' }
}

/** The text, or `null` to do without. */
export function textOrOff<const S extends TextSchema>(schema: S): S & { readonly none: 'off' } {
  return { ...schema, none: 'off' }
}

/** The number, or `null` to leave it to the hub. */
export function orAutomatic<const S extends NumberSchema>(schema: S): S & { readonly none: 'automatic' } {
  return { ...schema, none: 'automatic' }
}

/** What a value of the schema is in code. */
export type ValueOf<S> = S extends { enum: readonly (infer Word)[] }
  ? Word
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { type: 'string' }
      ? S extends { none: 'off' }
        ? string | null
        : string
      : S extends { type: 'written' }
        ? Written
        : S extends { items: infer Item }
          ? readonly ValueOf<Item>[]
          : S extends { properties: infer Fields; required: readonly (infer Required)[] }
            ? { readonly [K in keyof Fields as K extends Required ? K : never]: ValueOf<Fields[K]> } & {
                readonly [K in keyof Fields as K extends Required ? never : K]?: ValueOf<Fields[K]>
              }
            : S extends { none: 'off' | 'automatic' }
              ? number | null
              : number

/** What a program may write for it: also `null` where a file may, and sizes such as '64 KiB'. */
export type InputOf<S> = S extends { type: 'written' }
  ? S extends WrittenSchema<infer Input>
    ? Input | Written
    : never
  : S extends { items: infer Item }
    ? readonly InputOf<Item>[]
    : S extends { properties: infer Fields; required: readonly (infer Required)[] }
      ? { readonly [K in keyof Fields as K extends Required ? K : never]: InputOf<Fields[K]> } & {
          readonly [K in keyof Fields as K extends Required ? never : K]?: InputOf<Fields[K]> | undefined
        }
      : ValueOf<S> | (S extends { none: string } ? null : never) | (S extends { unit: 'bytes' } ? string : never)
