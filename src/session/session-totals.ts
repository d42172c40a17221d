import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import type { SessionTotals } from '../observe/facts.ts'
import type { SessionState } from '../store/store.ts'
import type { Session } from './session.ts'

/** Sessions between two looks at whether the turn is used up: a small part of a millisecond. */
const SESSIONS_BETWEEN_LOOKS = 128

/**
 * Adds up what sessions and shared subscriptions hold, in slices of the loop: with 100,000 sessions one pass would hold it for
 * longer than the hub may. What comes and goes meanwhile may be counted or not.
 */
export async function addUpSessions(
  sessions: Iterable<Session>,
  groups: Iterable<{ readonly state: SessionState }>,
): Promise<SessionTotals> {
  const sums = new Sums()
  const slices = new Slices(LoopPart.OBSERVE)
  let looked = 0
  for (const session of sessions) {
    sums.add(session)
    if (++looked % SESSIONS_BETWEEN_LOOKS === 0) await slices.pause()
  }
  for (const { state } of groups) {
    sums.addQueue(state)
    sums.pendingMessages += state.queuedMessages
    if (++looked % SESSIONS_BETWEEN_LOOKS === 0) await slices.pause()
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
