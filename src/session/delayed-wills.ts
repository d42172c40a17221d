import { publishDenial } from '../auth/denial.ts'
import type { Gate } from '../auth/gate.ts'
import type { Identity } from '../auth/identity.ts'
import type { MemoryBudget } from '../base/memory-budget.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Router } from '../router/router.ts'
import type { Store, StoredWill } from '../store/store.ts'
import { Deadlines } from './deadlines.ts'
import { willBytes } from './memory-costs.ts'

/** What delayed wills are built from. */
export interface DelayedWillsParts {
  readonly router: Router
  readonly store: Store
  readonly clock: Clock
  readonly memory: MemoryBudget
  readonly gate: Gate
  readonly ledger: Ledger
  readonly log: Log
}

interface WaitingWill extends StoredWill {
  /** When its delay is over, by the hub's clock of lifetimes. */
  readonly dueAtMs: number
}

/**
 * Wills of clients that have gone, until their delay or their session is over, whichever is first [MQTT5 §3.1.3.2.2]. They are
 * in the store meanwhile.
 */
export class DelayedWills {
  readonly #parts: DelayedWillsParts
  readonly #byClientId = new Map<string, WaitingWill>()
  readonly #due: Deadlines<string>

  constructor(parts: DelayedWillsParts) {
    this.#parts = parts
    this.#due = new Deadlines(parts.clock.lifetimeMs())
  }

  /** Before any will is scheduled, when the store has said how far lifetimes are. */
  start(): void {
    this.#due.begin(this.#parts.clock.lifetimeMs())
  }

  has(clientId: string): boolean {
    return this.#byClientId.has(clientId)
  }

  /** Publishes the will when its delay is over. What it takes was asked for when its client connected. */
  schedule(will: StoredWill): void {
    const { clientId, delaySeconds } = will
    this.#letGo(clientId)
    const dueAtMs = this.#parts.clock.lifetimeMs() + delaySeconds * 1000
    this.#byClientId.set(clientId, { ...will, dueAtMs })
    this.#parts.memory.sessions.take(willBytes(will), 0)
    this.#due.set(clientId, dueAtMs)
    this.#parts.store.putWill(will)
  }

  /** The session goes on: the will is not published [MQTT5-3.1.3-9]. */
  cancel(clientId: string): void {
    if (!this.#letGo(clientId)) return
    this.#due.delete(clientId)
    this.#parts.store.removeWill(clientId)
  }

  /** The client is back: as `cancel`, unless the delay was over before. */
  settle(clientId: string): void {
    const dueAtMs = this.#byClientId.get(clientId)?.dueAtMs ?? Infinity
    if (dueAtMs <= this.#parts.clock.lifetimeMs()) this.publish(clientId)
    else this.cancel(clientId)
  }

  /** The session is over: the will waits no longer. */
  publish(clientId: string): void {
    const will = this.#byClientId.get(clientId)
    if (will === undefined) return
    this.cancel(clientId)
    this.publishNow(will)
  }

  /** Publishes a will without any delay, unless its client may not do so by now; `identity` is that of the client, if it is known yet. */
  publishNow(will: StoredWill, identity?: Identity): void {
    const { message, clientId } = will
    const denial = this.#denialOf(will, identity)
    if (denial !== undefined) {
      const { ledger, log } = this.#parts
      ledger.refused++
      log.warn(
        { clientId, topic: message.topic, reason: denial },
        'a will is not published: the access rules keep it back',
      )
      return
    }
    // From now on its expiry is a time, as that of any other message.
    if (message.isExpiryForwarded) message.expiresAtMs += this.#parts.clock.lifetimeMs()
    this.#parts.router.publishMessage(message)
  }

  #denialOf(will: StoredWill, identity: Identity | undefined): string | undefined {
    const { gate } = this.#parts
    const { message } = will
    if (gate.isOpen) return undefined
    // A token that has ended was good when the client connected.
    const owner = gate.renew(identity === undefined ? absent(will) : { ...identity, expiresAtMs: Infinity })
    if (owner === undefined) return 'its user is not valid any more'
    return publishDenial(gate.viewOf(owner).publish(message.topic), message.qos, message.retain)
  }

  #letGo(clientId: string): boolean {
    const will = this.#byClientId.get(clientId)
    if (will === undefined) return false
    this.#byClientId.delete(clientId)
    this.#parts.memory.sessions.give(willBytes(will), 0)
    return true
  }

  /** Publishes what is due, a will at each step. */
  *publishDue(): Generator<void, void, undefined> {
    for (const clientId of this.#due.takeDue(this.#parts.clock.lifetimeMs())) {
      this.publish(clientId)
      yield
    }
  }
}

/** Who has gone, as far as it is known: rules of addresses and listeners do not concern them. */
function absent({ clientId, user, isCertified }: StoredWill): Identity {
  return {
    user,
    groups: [],
    role: undefined,
    via: user === undefined ? 'anonymous' : isCertified ? 'certificate' : 'password',
    clientId,
    host: '',
    listener: '',
    expiresAtMs: Infinity,
    ownRules: [],
  }
}
