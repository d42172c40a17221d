const NOTHING: readonly never[] = []
// At every SUBSCRIBE Aedes pipes this into a sender of retained messages; the session sends them (`Session.sendRetained`).
const NOTHING_TO_PIPE = { pipe: (): void => {} }

/**
 * What Aedes takes for its persistence. Subscriptions, queues and retained messages are the hub's own (sessions, router,
 * store), so Aedes is told that there are none: it has nothing to restore, to queue or to replay.
 */
export class BrokerPersistence {
  async setup(): Promise<void> {}
  async subscriptionsByClient(): Promise<readonly never[]> {
    return []
  }
  async addSubscriptions(): Promise<void> {}
  async removeSubscriptions(): Promise<void> {}
  async cleanSubscriptions(): Promise<void> {}
  async putWill(): Promise<void> {}
  async delWill(): Promise<void> {}
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
