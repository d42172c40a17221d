import { ReasonCode } from '../protocol/reason-codes.ts'
import type { ClientReport } from '../session/client-report.ts'
import type { PresenceChange } from '../session/presence.ts'
import type { Sessions } from '../session/sessions.ts'

/** What administrators see of clients, and do to them. */
export class Clients {
  readonly #sessions: Sessions

  constructor(sessions: Sessions) {
    this.#sessions = sessions
  }

  /** Clients that are here or have a kept session. */
  get count(): number {
    return this.#sessions.size
  }

  /** Sorted by client identifier in UTF-16 code units, from the first behind `after` on. */
  *list(after: string | undefined): Generator<ClientReport, void, undefined> {
    for (const session of this.#sessions.behind(after)) yield session.report()
  }

  get(clientId: string): ClientReport | undefined {
    return this.#sessions.get(clientId)?.report()
  }

  /** Ends the connection; a client of MQTT 5 is told 0x98. Returns false when no such client is connected. */
  disconnect(clientId: string): boolean {
    const connection = this.#sessions.get(clientId)?.connection
    connection?.close('disconnected by the administrator', ReasonCode.ADMINISTRATIVE_ACTION)
    return connection !== undefined
  }

  /** Ends the session, and the connection with it. Returns false when there is none. */
  deleteSession(clientId: string): boolean {
    return this.#sessions.delete(clientId)
  }

  /** Calls `changed` when a client comes, leaves, or its session ends. Returns a function that ends it. */
  watch(changed: (change: PresenceChange) => void): () => void {
    return this.#sessions.presence.watch(changed)
  }
}
