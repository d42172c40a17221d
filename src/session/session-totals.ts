import { setImmediate } from 'node:timers/promises'
import type { SessionTotals } from '../observe/facts.ts'
import type { SessionState } from '../store/store.ts'
import type { Session } from './session.ts'

/** Sessions that are looked at before the loop is let go: about a millisecond. */
const SLICE = 2000

/**
 * Adds up what sessions and shared subscriptions hold, in slices of the loop: with 100,000 sessions one pass would hold it for
 * longer than the hub may. What comes and goes meanwhile may be counted or not.
 */
export async function addUpSessions(
  sessions: Iterable<Session>,
  groups: Iterable<{ readonly state: SessionState }>,
): Promise<SessionTotals> {
  const sums = new Sums()
  let looked = 0
  for (const session of sessions) {
    sums.add(session)
    if (++looked % SLICE === 0) await setImmediate()
  }
  for (const { state } of groups) {
    sums.addQueue(state)
    sums.pendingMessages += state.queuedMessages
    if (++looked % SLICE === 0) await setImmediate()
  }
  return sums
}

class Sums implements SessionTotals {
  connected = 0
  disconnected = 0
  subscriptions = 0
  sharedSubscriptions = 0
  queuedMessages = 0
  queuedBytes = 0
  inFlightMessages = 0
  unreleasedMessages = 0
  pendingMessages = 0
  congestedClients = 0

  add({ state, connection, subscriptions, pendingMessages }: Session): void {
    if (connection === undefined) this.disconnected++
    else this.connected++
    if (connection?.isCongested === true) this.congestedClients++
    this.subscriptions += subscriptions.size - subscriptions.sharedSize
    this.sharedSubscriptions += subscriptions.sharedSize
    this.inFlightMessages += state.inFlight.size
    this.unreleasedMessages += state.receivedIds.size
    this.pendingMessages += pendingMessages
    this.addQueue(state)
  }

  addQueue({ queuedMessages, queuedBytes }: SessionState): void {
    this.queuedMessages += queuedMessages
    this.queuedBytes += queuedBytes
  }
}
