import { GUARD_MS } from './guard.ts'

/** What a hub, a broker or a client could leave behind; the test runner's own pipes and ports come and go. */
const WATCHED: ReadonlySet<string> = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'Timeout'])

const LOOK_AGAIN_MS = 5

/** How many watches run now. */
let running = 0

export interface Leftovers {
  /** Waits until nothing is open that was not open at the start, and fails with a list of what is. */
  untilGone(guardMs?: number): Promise<void>
  /** Ends the watch without looking. */
  forget(): void
}

/** Begins to watch for what is left open; one that begins inside of another has to end before it. */
export function watchLeftovers(): Leftovers {
  const before = countResources()
  // Vitest reports with a timer of 100 ms. It may run now and not at the end, and must not make up for a lost one.
  if (running === 0) before.delete('Timeout')
  running++
  let isRunning = true
  const forget = (): void => {
    if (isRunning) running--
    isRunning = false
  }
  return {
    forget,
    untilGone: async (guardMs = GUARD_MS) => {
      forget()
      await untilNothingIsLeft(before, performance.now() + guardMs)
    },
  }
}

async function untilNothingIsLeft(before: ReadonlyMap<string, number>, deadlineMs: number): Promise<void> {
  const left = listLeft(before)
  if (left.length === 0) return
  if (performance.now() > deadlineMs)
    throw new Error(`everything was to be closed, but there is left: ${left.join(', ')}`)
  await new Promise((resolve) => {
    // Without a reference, it is not among the timers that are looked for.
    setTimeout(resolve, LOOK_AGAIN_MS).unref()
  })
  await untilNothingIsLeft(before, deadlineMs)
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (WATCHED.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

function listLeft(before: ReadonlyMap<string, number>): string[] {
  return [...countResources()].flatMap(([name, count]) => {
    const left = count - (before.get(name) ?? 0)
    return left > 0 ? [`${left} ${name}`] : []
  })
}
