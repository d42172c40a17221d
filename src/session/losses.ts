import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import { HUB_ITSELF, type Mishaps } from '../observe/mishaps.ts'
import { DROP_REASONS, type DropReason } from '../protocol/drop-reasons.ts'
import type { SessionConnection } from './session-connection.ts'

/** Drops that a larger limit of the hub would have spared, or a faster client. */
const LIMITED: ReadonlySet<DropReason> = new Set(['output-full', 'queue-full', 'no-memory', 'replaced'])

/** Whose losses they are: a client's, or a shared subscription's. */
export interface LossesOwner {
  readonly clientId?: string
  /** Of the shared subscription. */
  readonly filter?: string
  readonly connection?: SessionConnection | undefined
}

/** What losses are told with. */
export interface LossesParts {
  readonly ledger: Ledger
  readonly log: Log
  readonly mishaps: Mishaps
  readonly limits: { readonly maxMessageExpirySeconds: number }
}

/**
 * What one client did not get, counted by reason. Where a limit of the hub is the reason, the log and the mishaps say so and name the
 * option: the first time on each connection, since there may be a drop for every message.
 */
export class Losses {
  readonly #owner: LossesOwner
  readonly #parts: LossesParts
  readonly #counts = new Map<DropReason, number>()
  /** What was told on this connection; most clients lose nothing for a limit. */
  #told: Set<string> | undefined = undefined

  constructor(owner: LossesOwner, parts: LossesParts) {
    this.#owner = owner
    this.#parts = parts
  }

  get counts(): Readonly<Partial<Record<DropReason, number>>> {
    return Object.fromEntries(this.#counts)
  }

  /** Counts messages that were dropped, in the ledger too. */
  drop(reason: DropReason, count: number): void {
    this.#parts.ledger.drop(reason, count)
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + count)
    if (!this.#isLimited(reason) || this.#isTold(reason)) return
    const { clientId, filter } = this.#owner
    const explanation = DROP_REASONS[reason]
    this.#parts.log.warn({ clientId, filter, reason, explanation }, 'dropping messages for a limit of the hub')
    this.#note(filter === undefined ? explanation : `${filter}: ${explanation}`)
  }

  /** A message of the client was delivered and not retained, for the limit `option`. */
  notRetained(option: string): void {
    if (this.#isTold(option)) return
    const reason = `a message was delivered and not retained (limits.${option})`
    this.#parts.log.warn({ clientId: this.#owner.clientId, reason }, 'a limit was reached')
    this.#note(reason)
  }

  /** The client has a new connection. */
  tellAnew(): void {
    this.#told = undefined
  }

  /** Of what expires, who published it may have said so. */
  #isLimited(reason: DropReason): boolean {
    return LIMITED.has(reason) || (reason === 'expired' && this.#parts.limits.maxMessageExpirySeconds !== Infinity)
  }

  /** Whether that was told before; from now on it was. */
  #isTold(limit: string): boolean {
    this.#told ??= new Set()
    if (this.#told.has(limit)) return true
    this.#told.add(limit)
    return false
  }

  #note(reason: string): void {
    const { clientId, connection } = this.#owner
    this.#parts.mishaps.note('limit-reached', connection?.report().address ?? HUB_ITSELF, reason, clientId)
  }
}
