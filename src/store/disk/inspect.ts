import { statSync } from 'node:fs'
import type { QoS } from '../../protocol/packet-types.ts'
import { existingStore } from './backup.ts'
import { type Databases, openDatabases } from './databases.ts'
import { hasContentHashes } from './format.ts'
import { checked, decodeName, decodeSubscription, type NameRecord, sessionKey } from './records.ts'
import { decodeState, type StateRecord } from './state-record.ts'

/** What a store holds, in numbers. Times are in ms since 1970, 0 while the client is connected. */
export interface StoreSummary {
  readonly file: string
  readonly fileBytes: number
  readonly sessions: number
  /** Shared subscriptions that have a queue in the store. */
  readonly groups: number
  readonly subscriptions: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly inFlightMessages: number
  readonly retainedMessages: number
  readonly wills: number
}

export interface SessionSummary {
  readonly clientId: string
  /** How long it outlives its connection; null means forever. */
  readonly expirySeconds: number | null
  readonly leftAtMs: number
  readonly subscriptions: readonly { readonly filter: string; readonly qos: QoS }[]
  readonly queuedMessages: number
  readonly queuedBytes: number
  readonly inFlight: readonly { readonly packetId: number; readonly qos: QoS; readonly isReleased: boolean }[]
  readonly receivedIds: readonly number[]
}

/** A subscription of a kept session. */
export interface KeptSubscription {
  readonly clientId: string
  readonly user: string | undefined
  readonly filter: string
  readonly qos: QoS
}

/** Counts what is in the store of a data folder, even while a hub uses it. Throws `STORE_UNUSABLE` without one. */
export async function inspectStore(folder: string): Promise<StoreSummary> {
  const file = existingStore(folder)
  return reading(file, (databases) => {
    const groups = Array.from(databases.names.getRange(), ({ value }) =>
      decodeName(checked(value, 'a session')),
    ).filter(({ isGroup }) => isGroup).length
    const counts = { queuedMessages: 0, queuedBytes: 0, inFlightMessages: 0 }
    const hasHashes = hasContentHashes(databases.about)
    for (const { value } of databases.states.getRange()) {
      const state = decodeState(checked(value, 'the state of a session'), hasHashes)
      counts.queuedMessages += state.tail - state.head
      counts.queuedBytes += state.queuedBytes
      counts.inFlightMessages += state.inFlight.size
    }
    return {
      file,
      fileBytes: statSync(file).size,
      sessions: databases.names.getKeysCount() - groups,
      groups,
      subscriptions: databases.subscriptions.getKeysCount(),
      ...counts,
      retainedMessages: databases.retained.getKeysCount(),
      wills: databases.wills.getKeysCount(),
    }
  })
}

/** One session of the store, or undefined when that client has none. */
export async function inspectSession(folder: string, clientId: string): Promise<SessionSummary | undefined> {
  return reading(existingStore(folder), (databases) => {
    for (const { key, value } of databases.names.getRange()) {
      const name = decodeName(checked(value, 'a session'))
      if (name.clientId !== clientId || name.isGroup) continue
      const state = databases.states.get(key)
      if (state === undefined) return undefined
      const record = decodeState(checked(state, 'the state of a session'), hasContentHashes(databases.about))
      return summaryOf(name, key.readUInt32BE(0), record, databases)
    }
    return undefined
  })
}

/** What the kept sessions of a store subscribe to, even while a hub uses it. Throws `STORE_UNUSABLE` without a store. */
export async function inspectSubscriptions(folder: string): Promise<KeptSubscription[]> {
  return reading(existingStore(folder), (databases) => {
    const found: KeptSubscription[] = []
    for (const { key, value } of databases.names.getRange()) {
      const { clientId, isGroup, user } = decodeName(checked(value, 'a session'))
      if (isGroup) continue
      const session = key.readUInt32BE(0)
      for (const { value: stored } of databases.subscriptions.getRange({
        start: sessionKey(session),
        end: sessionKey(session + 1),
      })) {
        const [filter, { qos }] = decodeSubscription(checked(stored, 'a subscription'))
        found.push({ clientId, user, filter, qos })
      }
    }
    return found
  })
}

function summaryOf(name: NameRecord, session: number, state: StateRecord, databases: Databases): SessionSummary {
  const range = { start: sessionKey(session), end: sessionKey(session + 1) }
  const subscriptions = Array.from(databases.subscriptions.getRange(range), ({ value }) => {
    const [filter, { qos }] = decodeSubscription(checked(value, 'a subscription'))
    return { filter, qos }
  })
  return {
    clientId: name.clientId,
    expirySeconds: name.expirySeconds === Infinity ? null : name.expirySeconds,
    leftAtMs: state.leftAtMs,
    subscriptions,
    queuedMessages: state.tail - state.head,
    queuedBytes: state.queuedBytes,
    inFlight: Array.from(state.inFlight, ([packetId, { qos, isReleased }]) => ({ packetId, qos, isReleased })),
    receivedIds: [...state.receivedIds.keys()],
  }
}

async function reading<T>(file: string, read: (databases: Databases) => T): Promise<T> {
  const { root, databases } = openDatabases(file, true)
  try {
    return read(databases)
  } finally {
    await root.close()
  }
}
