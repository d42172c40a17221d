import { type Access, type Authenticator, Gate } from '../../src/auth/gate.ts'
import type { Credentials, Identity, Peer, Refusal, Role } from '../../src/auth/identity.ts'
import type { View } from '../../src/auth/view.ts'

export interface Person {
  readonly password: string
  readonly role?: Role
  readonly groups?: readonly string[]
}

/** Users of a test, who can be changed while a hub runs. A token is the password of somebody without a name. */
export class People implements Authenticator, Access {
  readonly gate: Gate
  readonly #people: Map<string, Person & { readonly changedAtMs: number }>
  readonly #views: ReadonlyMap<string, View>
  refusal: Refusal['kind'] | undefined = undefined

  constructor(people: Readonly<Record<string, Person>>, views: Readonly<Record<string, View>> = {}) {
    this.#people = new Map(Object.entries(people).map(([name, person]) => [name, { ...person, changedAtMs: 0 }]))
    this.#views = new Map(Object.entries(views))
    this.gate = new Gate(this, this)
  }

  /** As a change of the users file does. */
  change(name: string, person: Person | undefined): void {
    if (person === undefined) this.#people.delete(name)
    else this.#people.set(name, { ...person, changedAtMs: Date.now() })
    this.gate.change(this, this)
  }

  authenticate({ userName, password, clientId }: Credentials, peer: Peer): Promise<Identity | Refusal> {
    if (this.refusal !== undefined) return Promise.resolve({ kind: this.refusal, reason: 'the test says so' })
    const given = Buffer.from(password ?? []).toString()
    for (const [name, person] of this.#people) {
      if (person.password === given && (userName ?? name) === name) {
        const via = userName === undefined ? 'token' : 'password'
        return Promise.resolve({ ...identityOf(name, person, peer), via, clientId })
      }
    }
    return Promise.resolve({ kind: 'wrong', reason: 'no such user, or another password' })
  }

  identityOf(user: string, sinceMs: number, peer: Peer): Identity | undefined {
    const person = this.#people.get(user)
    return person === undefined || person.changedAtMs > sinceMs ? undefined : identityOf(user, person, peer)
  }

  renew(identity: Identity): Identity | undefined {
    const { user = '' } = identity
    const person = this.#people.get(user)
    return person === undefined
      ? undefined
      : { ...identity, ...identityOf(user, person, { ...identity, certificateName: undefined }) }
  }

  viewOf({ user }: Identity): View {
    return this.#views.get(user ?? '') ?? EVERYTHING
  }
}

const EVERYTHING = new Gate().viewOf({
  user: undefined,
  groups: [],
  role: undefined,
  via: 'program',
  clientId: undefined,
  host: '127.0.0.1',
  listener: 'test',
  expiresAtMs: Infinity,
  ownRules: [],
})

function identityOf(user: string, { role, groups = [] }: Person, { host, listener }: Peer): Identity {
  return {
    user,
    groups,
    role,
    via: 'cookie',
    clientId: undefined,
    host,
    listener,
    expiresAtMs: Infinity,
    ownRules: [],
  }
}
