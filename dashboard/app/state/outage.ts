import { computed, effect, signal } from '@preact/signals'
import { feedLostAtMs } from './feed.ts'
import { link } from './hub.ts'

/** Since when there is no MQTT connection, however often it was tried again meanwhile; undefined while there is one. */
export const linkLostAtMs = signal<number | undefined>(undefined)

/** Since when the page no longer hears what is new, of messages or of the hub; undefined while it does. */
export const lostAtMs = computed(() => {
  const times = [linkLostAtMs.value, feedLostAtMs.value].filter((atMs) => atMs !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
})

/** The time, to the second, while nothing new is heard: ages grow by it. */
export const nowMs = signal(Date.now())

effect(() => {
  const { state, atMs } = link.value
  if (state === 'online') linkLostAtMs.value = undefined
  else if (state === 'offline') linkLostAtMs.value ??= atMs
})

effect(() => {
  if (lostAtMs.value === undefined) return undefined
  tick()
  const timer = setInterval(tick, 1000)
  return () => clearInterval(timer)
})

function tick(): void {
  nowMs.value = Date.now()
}
