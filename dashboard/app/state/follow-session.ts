import { effect, untracked } from '@preact/signals'
import { isFeedRefused } from './feed.ts'
import { hold, link } from './hub.ts'
import { isSignInNeeded, lookAtSession } from './session.ts'

/** Asks anew who this is when the hub ends what the page holds, and goes on with it when somebody has signed in again. */
export function followSession(): void {
  effect(() => {
    if (link.value.isRefused && link.value.state === 'offline') untracked(look)
  })
  effect(() => {
    if (isFeedRefused.value) untracked(look)
  })
  effect(() => hold(isSignInNeeded.value))
}

function look(): void {
  if (!isSignInNeeded.peek()) void lookAtSession()
}
