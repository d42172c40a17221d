import { Desk } from './admission.ts'

const NOTHING: readonly never[] = []
// Settled already, and says so in the call: nothing comes between a client's session and its admission.
// oxlint-disable-next-line unicorn/no-thenable -- Aedes asks for nothing but `then`, and nobody awaits it
const NO_SUBSCRIPTIONS = { then: (settled: (subscriptions: readonly never[]) => void): void => settled(NOTHING) }
const NEVER_SETTLED = { finally: (): void => {} }

/** As much of an Aedes client as is asked for. */
interface WillOwner {
  readonly id: string
  readonly conn: unknown
}

/**
 * What Aedes takes for its persistence. Subscriptions, queues, retained messages and wills are the hub's own (sessions,
 * router, store), so Aedes is told that there are none.
 */
export class BrokerPersistence {
  async setup(): Promise<void> {}

  subscriptionsByClient(): typeof NO_SUBSCRIPTIONS {
    return NO_SUBSCRIPTIONS
  }

  cleanSubscriptions(): typeof NO_SUBSCRIPTIONS {
    return NO_SUBSCRIPTIONS
  }

  /**
   * With this Aedes begins to admit a client that it has found good: it has an older will deleted, and would then register its
   * own client, answer, and send what is queued. It never hears that the will is deleted: an admitted client takes its place.
   */
  delWill({ id, conn }: WillOwner): typeof NEVER_SETTLED {
    if (!(conn instanceof Desk)) throw new TypeError('Aedes deletes a will for no client that it admits')
    conn.admit(id)
    return NEVER_SETTLED
  }

  streamWill(): typeof NOTHING {
    return NOTHING
  }
}
