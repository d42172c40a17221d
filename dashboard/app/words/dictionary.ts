import type { en } from './en.ts'

/** A noun by the plural categories of its language; `other` stands for those that are left out. */
export type Plural = { readonly other: string } & Partial<Readonly<Record<Intl.LDMLPluralRule, string>>>

/** The same keys, with the words of another language. */
export type Widen<T> = T extends string
  ? string
  : T extends (...given: infer A) => string
    ? (...given: A) => string
    : T extends { readonly other: string }
      ? Plural
      : { readonly [K in keyof T]: Widen<T[K]> }

/** What the page says. */
export type Words = Widen<typeof en>
