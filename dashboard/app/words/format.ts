import { isSameDay } from '../state/days.ts'
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
  return isSameDay(atMs, Date.now()) ? time(atMs).slice(0, 5) : shortDay(atMs)
}

/** `12:01:03` today, else `28 Nov, 12:01:03`. */
export function moment(atMs: number): string {
  return isSameDay(atMs, Date.now()) ? clock(atMs) : `${shortDay(atMs)}, ${clock(atMs)}`
}

/** `12:01:03–12:01:09`, with the days if they are not today. */
export function span(fromMs: number, toMs: number): string {
  if (isSameDay(fromMs, toMs)) return `${moment(fromMs)}–${clock(toMs)}`
  return words.value.fromTo(moment(fromMs), moment(toMs))
}

/** `Today, Saturday 28 November`. */
export function dayName(atMs: number): string {
  const now = new Date()
  const { today, yesterday } = words.value
  const year = isSameYear(atMs) ? undefined : 'numeric'
  const name = dateText(atMs, { weekday: 'long', day: 'numeric', month: 'long', year })
  if (isSameDay(atMs, now.getTime())) return `${today}, ${name}`
  const before = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1).getTime()
  return isSameDay(atMs, before) ? `${yesterday}, ${name}` : name.replace(/^./u, (letter) => letter.toUpperCase())
}

/** `Sat 28 Nov 2026, 12:01:03.042 GMT+3`: all there is to say of a time. */
export function exactTime(atMs: number): string {
  const day = dateText(atMs, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
  const zone = new Intl.DateTimeFormat(dateLocale(), { timeZoneName: 'short' })
    .formatToParts(atMs)
    .find(({ type }) => type === 'timeZoneName')
  return `${day}, ${time(atMs)} ${zone?.value ?? ''}`.trimEnd()
}

/** `28 Nov`, with the year if it is another. */
export function shortDay(atMs: number): string {
  return dateText(atMs, { day: 'numeric', month: 'short', year: isSameYear(atMs) ? undefined : 'numeric' })
}

function isSameYear(atMs: number): boolean {
  return new Date(atMs).getFullYear() === new Date().getFullYear()
}

function dateText(atMs: number, form: Intl.DateTimeFormatOptions): string {
  return new Date(atMs).toLocaleDateString(dateLocale(), form)
}

/** Days come before months, as the times here have 24 hours. */
function dateLocale(): string {
  return language.value === 'en' ? 'en-GB' : language.value
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
