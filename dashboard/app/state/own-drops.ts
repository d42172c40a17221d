import { effect } from '@preact/signals'
import { ask } from './api.ts'
import { link } from './hub.ts'
import { stream } from './open.ts'

const LOOK_EVERY_MS = 2000

/** Says in the open conversation how much the hub had to drop on the way to this page: a queue of the hub has an end. */
export function followOwnDrops(): void {
  let known: number | undefined
  const look = async (): Promise<void> => {
    const { state, clientId } = link.peek()
    if (state !== 'online' || document.hidden) return
    const { dropped } = await ask('GET /clients/:clientId', { params: { clientId } })
    const all = Object.values(dropped).reduce((sum, amount) => sum + amount, 0)
    const messages = all - (known ?? all)
    known = all
    if (messages > 0) stream.peek().note({ kind: 'not-shown', messages })
  }
  // Without a connection the banner says so.
  const tryLook = (): void => void look().catch(() => undefined)
  effect(() => {
    if (link.value.state !== 'online') return
    // What was dropped in an outage or before a reload is not missing here: history fills that.
    known = undefined
    tryLook()
  })
  setInterval(tryLook, LOOK_EVERY_MS)
}
