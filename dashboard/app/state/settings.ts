import { effect, signal, type Signal } from '@preact/signals'
import { store } from './stored.ts'

export type Theme = 'auto' | 'light' | 'dark'
export type Language = 'en' | 'ru'
export type ListOrder = 'name' | 'recent'
export type MessageStyle = 'lines' | 'bubbles'

/** A setting that outlives the page. */
function kept<T extends string>(name: string, initial: T, allowed: readonly T[] | undefined): Signal<T> {
  const key = `hubbub.${name}`
  const stored = localStorage.getItem(key)
  const isAllowed = (value: string): value is T => allowed === undefined || allowed.some((one) => one === value)
  const setting = signal<T>(stored !== null && isAllowed(stored) ? stored : initial)
  effect(() => store(key, setting.value))
  return setting
}

export const theme = kept<Theme>('theme', 'auto', ['auto', 'light', 'dark'])
export const language = kept<Language>('language', navigator.language.startsWith('ru') ? 'ru' : 'en', ['en', 'ru'])
export const messageStyle = kept<MessageStyle>('messageStyle', innerWidth < 720 ? 'bubbles' : 'lines', [
  'lines',
  'bubbles',
])
export const listOrder = kept<ListOrder>('listOrder', 'name', ['name', 'recent'])
/** Whether what a device measures is one line that changes, or a message each. */
export const telemetryStyle = kept<'folded' | 'each'>('telemetry', 'folded', ['folded', 'each'])
export const myName = kept<string>('name', '', undefined)

effect(() => {
  document.documentElement.dataset['theme'] = theme.value
  document.documentElement.lang = language.value
})
