import { Message } from '../../src/protocol/message.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import type { SessionState, Store, Terms } from '../../src/store/store.ts'
import { termsOf } from '../../src/store/terms.ts'
import { until } from '../support/guard.ts'

export function numbered(number: number, qos: QoS = 1): Message {
  return Message.create(`t/${number}`, Buffer.from(`payload ${number}`), qos, false, 'publisher')
}

export function terms(qos: QoS, isRetained = false): Terms {
  return termsOf(qos, isRetained, [])
}

export function describeMessage(message: Message | undefined): unknown {
  if (message === undefined) return undefined
  const { topic, payload, qos, retain, publisher, expiresAtMs } = message
  return { topic, payload: payload.toString('latin1'), qos, retain, publisher, expiresAtMs }
}

export interface ComparableState {
  readonly clientId: string
  readonly user: string | undefined
  readonly subscriptions: unknown
  readonly inFlight: unknown
  readonly queued: unknown
  readonly queuedBytes: number
  readonly receivedIds: readonly (readonly [packetId: number, contentHash: number])[]
  readonly leftAtMs: number
}

/** All of a state, in a form that can be compared. Takes the queue off. */
export function describeState(state: SessionState): ComparableState {
  const { clientId, user, queuedBytes, leftAtMs } = state
  const inFlight = Array.from(state.inFlight, ([packetId, { qos, isRetained, isReleased, message }]) => {
    return { packetId, qos, isRetained, isReleased, message: isReleased ? 'released' : describeMessage(message) }
  })
  const queued: unknown[] = []
  for (let packetId = 60_000; state.queuedMessages > 0; packetId++) {
    const message = describeMessage(state.peekNext())
    queued.push({ message, qos: state.startNext(packetId).qos })
  }
  return {
    clientId,
    user,
    subscriptions: Array.from(state.subscriptions(), ([filter, { qos }]) => [filter, qos] as const).toSorted(
      ([a], [b]) => (a < b ? -1 : 1),
    ),
    inFlight,
    queued,
    queuedBytes,
    receivedIds: [...state.receivedIds].toSorted(([a], [b]) => a - b),
    leftAtMs,
  }
}

export function statesOf(store: Store): ComparableState[] {
  return Array.from(store.sessions(), describeState).toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))
}

export function retainedOf(store: Store): unknown[] {
  return [...store.retained()].toSorted((a, b) => (a.topic < b.topic ? -1 : 1)).map(describeMessage)
}

export function stateOf(store: Store, clientId: string): SessionState {
  const state = [...store.sessions()].find((one) => one.clientId === clientId)
  if (state === undefined) throw new Error(`there is no session of ${JSON.stringify(clientId)}`)
  return state
}

export function topicsOf(state: SessionState): (string | undefined)[] {
  const topics: (string | undefined)[] = []
  for (let packetId = 1; state.queuedMessages > 0; packetId++) {
    topics.push(state.peekNext()?.topic)
    state.startNext(packetId)
    state.finish(packetId)
  }
  return topics
}

/** What stands for the content of the message with this identifier: of every sign and size. */
export function hashOf(packetId: number): number {
  return Math.imul(packetId, 0x9e3779b1)
}

export function received(...packetIds: number[]): [packetId: number, contentHash: number][] {
  return packetIds.map((packetId) => [packetId, hashOf(packetId)])
}

export const EMPTY = { subscriptions: [], inFlight: [], queued: [], queuedBytes: 0, receivedIds: [], leftAtMs: 0 }

/** Resolves when everything is stored, so that what follows is another batch. */
export async function untilStored(store: Store): Promise<void> {
  await until(
    () => store.openBatch === 0,
    () => `batch ${store.openBatch} to be stored`,
  )
}
