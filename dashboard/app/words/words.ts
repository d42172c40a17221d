import { computed } from '@preact/signals'
import { language } from '../state/settings.ts'
import type { Plural, Words } from './dictionary.ts'
import { en } from './en.ts'
import { ru } from './ru.ts'

const DICTIONARIES: Readonly<Record<'en' | 'ru', Words>> = { en, ru }

/** The words of the language that is chosen. */
export const words = computed<Words>(() => DICTIONARIES[language.value])

const rules = computed(() => new Intl.PluralRules(language.value))
const numbers = computed(() => new Intl.NumberFormat(language.value))

/** `1 214 сообщений`, `1,214 messages`. */
export function count(amount: number, noun: Plural): string {
  return `${numbers.value.format(amount)} ${noun[rules.value.select(amount)] ?? noun.other}`
}

/** A number as people of the language write it. */
export function number(amount: number): string {
  return numbers.value.format(amount)
}
