import type { Identity, Peer, Via } from '../identity.ts'
import { lowerRole } from '../identity.ts'
import type { JwtBearer } from '../tokens/jwt.ts'
import type { StoredToken } from './user.ts'
import type { UserEntry, UserTable } from './user-table.ts'

/** By what an identity was let in. It is known by an object in the identity, of which there may be copies. */
type Grant =
  | { readonly kind: 'credential'; readonly stamp: object }
  /** `sha256`: of an API token, base64. */
  | { readonly kind: 'token'; readonly sha256: string }
  /** All that counts is in the identity. */
  | { readonly kind: 'jwt' }

type Place = Pick<Peer, 'host' | 'listener'>

const NONE: readonly never[] = []

/** Makes identities of users, and tells later what has become of them. */
export class Identities {
  readonly #grants = new WeakMap<object, Grant>()

  ofUser(entry: UserEntry, via: Via, clientId: string | undefined, place: Place, expiresAtMs = Infinity): Identity {
    const { name: user, groups, role, ownRules } = entry.user
    const { host, listener } = place
    const grant = this.#note({ kind: 'credential', stamp: entry.stamp })
    return { user, groups, role, via, clientId, host, listener, expiresAtMs, ownRules, grant }
  }

  ofToken({ user }: UserEntry, token: StoredToken, clientId: string | undefined, place: Place): Identity {
    const { host, listener } = place
    return {
      user: user.name,
      groups: user.groups,
      role: lowerRole(user.role, token.role),
      via: 'token',
      clientId,
      host,
      listener,
      expiresAtMs: token.expiresAtMs,
      ownRules: user.ownRules,
      ...(token.rules.length > 0 && { scope: token.ownRules }),
      grant: this.#note({ kind: 'token', sha256: token.sha256 }),
    }
  }

  ofJwt(bearer: JwtBearer, clientId: string | undefined, { host, listener }: Place): Identity {
    return { ...bearer, via: 'token', clientId, host, listener, grant: this.#note({ kind: 'jwt' }) }
  }

  /**
   * What somebody is now who was let in before, or was put together from a stored name. `mayBeUnknown`: names may be those of tokens
   * that the hub does not keep.
   */
  renew(identity: Identity, users: UserTable, mayBeUnknown: boolean): Identity | undefined {
    const { user: name = '', via, clientId, expiresAtMs } = identity
    const grant = identity.grant && this.#grants.get(identity.grant)
    if (grant?.kind === 'jwt') return identity
    const entry = users.get(name)
    if (entry === undefined) {
      if (via === 'certificate')
        return unlessSame(identity, { ...identity, groups: NONE, role: undefined, ownRules: NONE })
      return grant === undefined && mayBeUnknown ? identity : undefined
    }
    if (grant?.kind === 'token') {
      const token = users.token(grant.sha256)?.token
      return token && unlessSame(identity, this.ofToken(entry, token, clientId, identity))
    }
    if (grant !== undefined && grant.stamp !== entry.stamp && via !== 'certificate') return undefined
    return unlessSame(identity, this.ofUser(entry, via, clientId, identity, expiresAtMs))
  }

  #note(grant: Grant): object {
    const handle = {}
    this.#grants.set(handle, grant)
    return handle
  }
}

/** The identity of before when the other says the same of it. */
function unlessSame(before: Identity, after: Identity): Identity {
  const { role, groups, ownRules, scope } = after
  const isSame = role === before.role && groups === before.groups && ownRules === before.ownRules
  return isSame && scope === before.scope ? before : after
}
