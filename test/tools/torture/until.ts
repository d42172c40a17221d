import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_MS = 50

/** Waits until `isSo()`; false when it was not so in time. */
export async function until(isSo: () => boolean, deadlineMs: number): Promise<boolean> {
  const endMs = performance.now() + deadlineMs
  while (!isSo()) {
    if (performance.now() > endMs) return false
    await sleep(LOOK_MS)
  }
  return true
}
