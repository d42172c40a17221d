import type { DelayedWills } from '../session/delayed-wills.ts'
import type { Store } from '../store/store.ts'
import { ControlStream } from './control-stream.ts'

const NOTHING: readonly never[] = []
// At every SUBSCRIBE Aedes pipes this into a sender of retained messages; the session sends them (`Session.sendRetained`).
const NOTHING_TO_PIPE = { pipe: (): void => {} }

/** As much of an Aedes client as is asked for. */
interface WillOwner {
  readonly id: string
  readonly closed: boolean
  readonly conn: unknown
}

/**
 * What Aedes takes for its persistence. Subscriptions, queues and retained messages are the hub's own (sessions, router,
 * store), so Aedes is told that there are none: it has nothing to restore, to queue or to replay. Wills it does give away: they
 * are stored while their client is connected, and `Hub.start` publishes those that a dead hub left behind.
 */
export class BrokerPersistence {
  readonly #store: Store
  readonly #delayed: DelayedWills
  readonly #owners = new Map<string, WillOwner>()

  constructor(store: Store, delayed: DelayedWills) {
    this.#store = store
    this.#delayed = delayed
  }

  async setup(): Promise<void> {}
  async subscriptionsByClient(): Promise<readonly never[]> {
    return []
  }
  async addSubscriptions(): Promise<void> {}
  async removeSubscriptions(): Promise<void> {}
  async cleanSubscriptions(): Promise<void> {}
  async putWill(client: WillOwner): Promise<void> {
    const will = client.conn instanceof ControlStream ? client.conn.peer.will : undefined
    if (will === undefined) return
    this.#owners.set(client.id, client)
    this.#store.putWill({ ...will, clientId: client.id })
  }
  /**
   * Aedes says so by client identifier, also after another connection has taken over and left a will of its own, and when the
   * will has only begun to wait for its delay.
   */
  async delWill({ id }: { readonly id: string }): Promise<void> {
    if (this.#owners.get(id)?.closed !== true) return
    this.#owners.delete(id)
    if (!this.#delayed.has(id)) this.#store.removeWill(id)
  }
  streamWill(): Iterable<never> {
    return NOTHING
  }
  // Aedes runs a `pipeline` over this at every CONNECT; an iterable spares it the making and unmaking of a stream.
  outgoingStream(): Iterable<never> {
    return NOTHING
  }
  createRetainedStreamCombi(): typeof NOTHING_TO_PIPE {
    return NOTHING_TO_PIPE
  }
}
