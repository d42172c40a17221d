import type { Aedes } from 'aedes'

type Write = (...parameters: readonly unknown[]) => Promise<void>

/** What tests change and look at in the memory persistence that bare Aedes comes with. */
export interface AedesPersistence {
  /** Queues a message for kept sessions. */
  outgoingEnqueueCombi: Write
  storeRetained: Write
  outgoingStream(client: { readonly id: string }): AsyncIterable<unknown>
}

/** The persistence of a running Aedes, which its types leave out. */
export function persistenceOf(broker: Aedes): AedesPersistence {
  const persistence: unknown = Reflect.get(broker, 'persistence')
  if (!isPersistence(persistence)) throw new TypeError('Aedes has no memory persistence as it had in version 1.2')
  return persistence
}

/** How many messages bare Aedes has queued for a client. */
export async function countQueued(broker: Aedes, clientId: string): Promise<number> {
  let count = 0
  const queued = persistenceOf(broker).outgoingStream({ id: clientId })[Symbol.asyncIterator]()
  while ((await queued.next()).done !== true) count++
  return count
}

function isPersistence(value: unknown): value is AedesPersistence {
  return (
    typeof value === 'object' &&
    value !== null &&
    'outgoingEnqueueCombi' in value &&
    'storeRetained' in value &&
    'outgoingStream' in value
  )
}
