import { language } from '../state/settings.ts'
import { number, words } from './words.ts'

/** `12:01:03.042`, by the clock of the browser. */
export function time(atMs: number): string {
  const at = new Date(atMs)
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** `12:01:03`. */
export function clock(atMs: number): string {
  return time(atMs).slice(0, 8)
}

/** `12:01` today, else the day. */
export function when(atMs: number): string {
  const at = new Date(atMs)
  if (at.toDateString() === new Date().toDateString()) return time(atMs).slice(0, 5)
  return at.toLocaleDateString(language.value, { day: 'numeric', month: 'short' })
}

/** `1.2 MB`. */
export function bytes(amount: number): string {
  const units = language.value === 'ru' ? ['Б', 'кБ', 'МБ', 'ГБ'] : ['B', 'kB', 'MB', 'GB']
  let unit = 0
  let value = amount
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${number(unit === 0 ? value : Math.round(value * 10) / 10)}\u00a0${units[unit] ?? ''}`
}

/** `3.2 ms`, `1.4 s`. */
export function latency(ms: number): string {
  const [short, long] = language.value === 'ru' ? ['мс', 'с'] : ['ms', 's']
  return ms < 1000
    ? `${number(Math.round(ms * 10) / 10)}\u00a0${short}`
    : `${number(Math.round(ms / 100) / 10)}\u00a0${long}`
}

/** `3 d 4 h`, `12 min`, `40 s`: the two greatest parts. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [d, h, m] = language.value === 'ru' ? ['д', 'ч', 'мин'] : ['d', 'h', 'min']
  if (seconds >= 86_400)
    return `${Math.floor(seconds / 86_400)}\u00a0${d} ${Math.floor((seconds % 86_400) / 3600)}\u00a0${h}`
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}\u00a0${h} ${Math.floor((seconds % 3600) / 60)}\u00a0${m}`
  if (seconds >= 60) return `${Math.floor(seconds / 60)}\u00a0${m}`
  return `${seconds}\u00a0${language.value === 'ru' ? 'с' : 's'}`
}

/** `2 min ago`. */
export function ago(ms: number): string {
  return words.value.ago(duration(ms))
}

/** `120/s`, rounded so that it does not race. */
export function rate(perSecond: number): string {
  const rounded =
    perSecond >= 100
      ? Math.round(perSecond / 10) * 10
      : perSecond >= 10
        ? Math.round(perSecond)
        : Math.round(perSecond * 10) / 10
  return `${number(rounded)}${language.value === 'ru' ? '/с' : '/s'}`
}

function two(part: number): string {
  return String(part).padStart(2, '0')
}
