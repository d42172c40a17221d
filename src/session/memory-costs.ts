import type { StoredWill } from '../store/store.ts'
import { nameMemoryBytes } from '../topics/name-memory.ts'

/** What things of clients take, about; most of it on the JavaScript heap. */
export const CONNECTION_BYTES = 4000
const SESSION_BYTES = 2000
const SUBSCRIPTION_BYTES = 250
/** Retained messages that are to be sent for a subscription. */
export const REPLAY_BYTES = 600
/** Left free by who subscribes, for the retained messages that are then to be sent. */
export const REPLAYS_BYTES = 1000 * REPLAY_BYTES
const WILL_BYTES = 500
/** A client that has a session may bring a will of so many bytes, whatever memory there is: each has only one. */
export const SURE_WILL_BYTES = 2048

export function subscriptionBytes(filter: string): number {
  return SUBSCRIPTION_BYTES + nameMemoryBytes(filter)
}

/** A session besides its subscriptions. */
export function sessionBytes(clientId: string): number {
  return SESSION_BYTES + 2 * clientId.length
}

/** A will, be its client connected or gone; 0 without one. */
export function willBytes(will: StoredWill | undefined): number {
  return will === undefined ? 0 : WILL_BYTES + will.message.packetBytes
}
