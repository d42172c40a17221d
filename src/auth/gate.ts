import type { Credentials, Identity, Peer, Refusal } from './identity.ts'
import type { AccessExplanation, AccessQuestion } from './rules/explain-access.ts'
import type { View } from './view.ts'

/** Knows users and their credentials. */
export interface Authenticator {
  /**
   * Who it is. Bounded, never long on the event loop: what needs no slow hash is answered in the call.
   * The same name with the same right credential is let in whatever strangers do.
   */
  authenticate(credentials: Credentials, peer: Peer): Identity | Refusal | Promise<Identity | Refusal>
  /**
   * The identity with what its user has now: groups, role, rules. Undefined when the user was removed, or the credential was
   * withdrawn or has ended. Also asked of an identity that was put together from a stored user name.
   */
  renew(identity: Identity): Identity | undefined
  /**
   * Who a user is now, for somebody who has shown at `sinceMs`, in ms since 1970 by the wall clock, to be that user, maybe to a hub
   * that has stopped since: a sign-in. Undefined when the user was removed, or has had another password since.
   */
  identityOf(user: string, sinceMs: number, peer: Peer): Identity | undefined
  /** Whether whoever comes from an address is turned away before saying a word, for what was guessed from there; to be asked once. */
  turnsAway?(host: string): boolean
  /** Begins a sign-in by a method of MQTT 5's enhanced authentication; undefined: the method is not known. */
  signInBy?(method: string, clientId: string | undefined, peer: Peer): EnhancedSignIn | undefined
}

/** A sign-in of several messages, each step once and in this order; what it is to the client is the method's matter [MQTT5 §4.12]. */
export interface EnhancedSignIn {
  /** What is to be sent to the client, who goes on then. */
  first(message: Uint8Array): Promise<Uint8Array | Refusal>
  /** Who it is, and the last message to the client. */
  final(message: Uint8Array): Promise<{ readonly identity: Identity; readonly message: Uint8Array } | Refusal>
}

/** Knows rules. */
export interface Access {
  viewOf(identity: Identity): View
  /** Why an identity may or may not do something, for people; left out by what has no rules to show. */
  explain?(identity: Identity, question: AccessQuestion): AccessExplanation
}

const QOS_2 = 2
const EVERYTHING: View = {
  isUnlimited: true,
  publish: () => ({ isAllowed: true, rule: undefined, maxQos: QOS_2, mayRetain: true }),
  receive: () => ({ isAllowed: true, rule: undefined, includesPast: true }),
  subscribe: () => ({ extent: 'all', maxQos: QOS_2, witness: undefined, rule: undefined }),
}

/** The one place that decides who somebody is and what they may do. It knows no sockets. */
export class Gate {
  /** Undefined: there are no users, and whoever can reach the hub may do everything. */
  #authenticator: Authenticator | undefined
  #access: Access | undefined
  #epoch = 0
  readonly #listeners = new Set<() => void>()

  constructor(authenticator?: Authenticator, access?: Access) {
    this.#authenticator = authenticator
    this.#access = access
  }

  /** There are no users: whoever can reach the hub may do everything. */
  get isOpen(): boolean {
    return this.#authenticator === undefined
  }

  /** Grows with each change of users or rules: what was decided before has to be asked again. */
  get epoch(): number {
    return this.#epoch
  }

  /** Takes other users and rules, all at once. */
  change(authenticator: Authenticator | undefined, access: Access | undefined): void {
    this.#authenticator = authenticator
    this.#access = access
    this.#epoch++
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each change. Returns a function that ends it. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  authenticate(credentials: Credentials, peer: Peer): Identity | Refusal | Promise<Identity | Refusal> {
    return this.#authenticator?.authenticate(credentials, peer) ?? anonymous(credentials, peer)
  }

  /** See `Authenticator`. */
  turnsAway(host: string): boolean {
    return this.#authenticator?.turnsAway?.(host) ?? false
  }

  /** See `Authenticator`. */
  signInBy(method: string, clientId: string | undefined, peer: Peer): EnhancedSignIn | undefined {
    return this.#authenticator?.signInBy?.(method, clientId, peer)
  }

  /** See `Authenticator`. */
  renew(identity: Identity): Identity | undefined {
    const renewed = this.#authenticator === undefined ? identity : this.#authenticator.renew(identity)
    return renewed?.signIn === identity.signIn ? renewed : renewed && { ...renewed, signIn: identity.signIn }
  }

  /** See `Authenticator`. */
  identityOf(user: string, sinceMs: number, peer: Peer): Identity | undefined {
    return this.#authenticator?.identityOf(user, sinceMs, peer)
  }

  viewOf(identity: Identity): View {
    return this.#access?.viewOf(identity) ?? EVERYTHING
  }

  /** Undefined: there are no rules, and everybody may do everything. */
  explain(identity: Identity, question: AccessQuestion): AccessExplanation | undefined {
    return this.#access?.explain?.(identity, question)
  }
}

/** Somebody who has shown nothing. */
export function anonymous({ clientId }: Pick<Credentials, 'clientId'>, { host, listener }: Peer): Identity {
  return {
    user: undefined,
    groups: [],
    role: undefined,
    via: 'anonymous',
    clientId,
    host,
    listener,
    expiresAtMs: Infinity,
    ownRules: [],
  }
}
