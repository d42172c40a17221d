import type { ComponentChildren } from 'preact'
import { exactTime } from './words/format.ts'

interface TimeProps {
  readonly atMs: number
  readonly class?: string
  /** The time as it is written here. */
  readonly children: ComponentChildren
}

/** A time, with the date, the seconds and the zone for who points at it. */
export function Time({ atMs, class: name, children }: TimeProps) {
  return (
    <time class={name} dateTime={new Date(atMs).toISOString()}>
      {children}
    </time>
  )
}

/** The words are made when they are looked at: there are many times, and most go by. */
export function followPointedTimes(): void {
  document.addEventListener('pointerover', ({ target }) => {
    const time = target instanceof Element ? target.closest('time') : null
    if (time !== null && time.dateTime !== '') time.title = exactTime(Date.parse(time.dateTime))
  })
}
