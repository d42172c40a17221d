import { Icon } from './icons.tsx'
import { nowMs } from './state/outage.ts'
import { Time } from './time.tsx'
import { ago, moment } from './words/format.ts'
import { words } from './words/words.ts'

/** How old what stands beside it is. */
export function AsOf({ atMs }: { readonly atMs: number }) {
  return (
    <span class="as-of">
      <Icon name="clock" />
      <span>
        {ago(nowMs.value - atMs)}
        <Time atMs={atMs}>, {moment(atMs)}</Time>
      </span>
    </span>
  )
}

/** Instead of what cannot be asked for without a connection. */
export function Unknown() {
  return (
    <p class="quiet">
      {words.value.notKnown} {words.value.notKnownHelp}
    </p>
  )
}
