import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { ClientReport, SubscriptionReport } from '../session/client-report.ts'
import type { PresenceChange } from '../session/presence.ts'
import type { Session } from '../session/session.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Sight } from './sight.ts'

/** Clients between two looks at whether the turn is used up: well under a millisecond. */
const CLIENTS_BETWEEN_LOOKS = 32
/** So many more than asked for are kept while the highest are looked for. */
const MORE_CLIENTS = 500

/** What clients are looked for by. */
export interface ClientConditions {
  /** Part of the client identifier, in upper or lower case, or of the address. */
  readonly text: string | undefined
  readonly state: 'here' | 'away' | undefined
}

/** What administrators see of clients, and do to them. */
export class Clients {
  readonly #sessions: Sessions
  /** Of who may not do everything. */
  readonly #sight: Sight | undefined

  constructor(sessions: Sessions, sight?: Sight) {
    this.#sessions = sessions
    this.#sight = sight
  }

  /** Clients that are here or have a kept session. */
  get count(): number {
    return this.#sessions.size
  }

  get(clientId: string): ClientReport | undefined {
    const session = this.#sessions.get(clientId)
    return session === undefined ? undefined : this.#reportOf(session)
  }

  /** All subscriptions of a client that are seen; none when it is not there. */
  *subscriptionsOf(clientId: string): Generator<SubscriptionReport, void, undefined> {
    const session = this.#sessions.get(clientId)
    if (session === undefined) return
    const sight = this.#isOwn(session) ? undefined : this.#sight
    for (const subscription of session.subscriptions.report())
      if (sight?.showsFilter(subscription.filter) ?? true) yield subscription
  }

  /** Whether the session is of who asks, by another connection. */
  isOf(clientId: string, user: string | undefined): boolean {
    return user !== undefined && this.#sessions.get(clientId)?.report().user === user
  }

  /** At most `limit`, sorted by client identifier in UTF-16 code units, from the first behind `after` on. */
  async page(
    { text, state }: ClientConditions,
    after: string | undefined,
    limit: number,
  ): Promise<readonly ClientReport[]> {
    const page: ClientReport[] = []
    const part = text?.toLowerCase()
    const slices = new Slices(LoopPart.HTTP)
    let looked = 0
    for (const session of this.#sessions.behind(after)) {
      if (++looked % CLIENTS_BETWEEN_LOOKS === 0) await slices.pause()
      const client = this.#reportOf(session)
      if (state !== undefined && (client.connection === undefined) !== (state === 'away')) continue
      if (part !== undefined && !isFound(client, part)) continue
      page.push(client)
      if (page.length === limit) break
    }
    return page
  }

  /** At most `limit` connected clients that have not taken yet what is for them, those with most first. */
  async slowest(limit: number): Promise<readonly ClientReport[]> {
    let behind: ClientReport[] = []
    const slices = new Slices(LoopPart.HTTP)
    let looked = 0
    for (const session of this.#sessions.behind(undefined)) {
      if (++looked % CLIENTS_BETWEEN_LOOKS === 0) await slices.pause()
      const client = this.#reportOf(session)
      if (client.connection !== undefined && bytesBehind(client) > 0) behind.push(client)
      if (behind.length >= 2 * limit + MORE_CLIENTS) behind = most(behind, limit)
    }
    return most(behind, limit)
  }

  /** Ends the connection; a client of MQTT 5 is told 0x98. Returns false when no such client is connected. */
  disconnect(clientId: string): boolean {
    const connection = this.#sessions.get(clientId)?.connection
    connection?.close('disconnected by the administrator', ReasonCode.ADMINISTRATIVE_ACTION)
    return connection !== undefined
  }

  /** Ends the connections of those who act by a sign-in that is over. */
  async signedOut(signIn: string): Promise<void> {
    const slices = new Slices(LoopPart.HTTP)
    let looked = 0
    for (const { identity, connection } of this.#sessions.behind(undefined)) {
      if (++looked % CLIENTS_BETWEEN_LOOKS === 0) await slices.pause()
      if (identity?.signIn === signIn) connection?.close('signed out', ReasonCode.ADMINISTRATIVE_ACTION)
    }
  }

  /** Ends the session, and the connection with it. Returns false when there is none. */
  deleteSession(clientId: string): boolean {
    return this.#sessions.delete(clientId)
  }

  #reportOf(session: Session): ClientReport {
    const report = session.report()
    return this.#sight?.clientOf(report) ?? report
  }

  #isOwn(session: Session): boolean {
    const { user } = session.report()
    return user !== undefined && user === this.#sight?.user
  }

  /** Calls `changed` when a client comes, leaves, or its session ends. Returns a function that ends it. */
  watch(changed: (change: PresenceChange) => void): () => void {
    return this.#sessions.presence.watch(changed)
  }
}

function isFound({ clientId, connection }: ClientReport, part: string): boolean {
  return clientId.toLowerCase().includes(part) || connection?.address.includes(part) === true
}

function bytesBehind({ queuedBytes, connection }: ClientReport): number {
  return queuedBytes + (connection?.pendingBytes ?? 0)
}

function most(clients: readonly ClientReport[], limit: number): ClientReport[] {
  return clients.toSorted((one, other) => bytesBehind(other) - bytesBehind(one)).slice(0, limit)
}
