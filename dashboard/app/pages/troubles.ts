import type { Overview as OverviewNow } from '../state/feed.ts'
import { latency } from '../words/format.ts'
import { count, words } from '../words/words.ts'

/** A loop that is held for longer is felt by everybody. */
const HELD_MS = 200
const SLOW_WRITE_MS = 1000

/** What is wrong with the hub now, or was within the time of `all`, each in a sentence; empty when all is well. */
export function troublesOf(all: readonly OverviewNow[]): readonly string[] {
  const now = all.at(-1)
  const [first] = all
  if (now === undefined || first === undefined) return []
  const { troubles: text, messages } = words.value
  const dropped = total(now.dropped) - total(first.dropped)
  const notRetained = now.notRetained - first.notRetained
  const limits = total(now.limits) - total(first.limits)
  const { eventLoopDelay, store, history } = now
  const sentences = [
    ...now.faults,
    history.isFailing && text.history,
    dropped > 0 && text.dropped(count(dropped, messages)),
    notRetained > 0 && text.notRetained(count(notRetained, messages)),
    limits > 0 && text.limits,
    eventLoopDelay !== null && eventLoopDelay.worstMs > HELD_MS && text.held(latency(eventLoopDelay.worstMs)),
    store.writes !== null && store.writes.worstMs > SLOW_WRITE_MS && text.slowStore(latency(store.writes.worstMs)),
  ]
  return sentences.filter((sentence) => sentence !== false)
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((one, other) => one + other, 0)
}
