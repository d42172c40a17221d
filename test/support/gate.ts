import { anonymous, type Authenticator, Gate } from '../../src/auth/gate.ts'
import type { Credentials, Identity, Peer, Refusal } from '../../src/auth/identity.ts'
import { AccessRules } from '../../src/auth/rules/access-rules.ts'
import { Groups } from '../../src/auth/rules/groups.ts'
import { makeRule, type Rule, type RuleTerms } from '../../src/auth/rules/rule.ts'
import type { Subject } from '../../src/auth/rules/subject.ts'
import { readPattern } from '../../src/auth/rules/topic-pattern.ts'

/** Users by name, whose password is `pw`; what a test wants to be slow, refused or short-lived it says by name. */
export class SteppedUsers implements Authenticator {
  readonly names: Set<string>
  /** Who is let in without a user name. */
  isAnonymousIn = false
  /** How a name is refused, whatever its password. */
  readonly refusals = new Map<string, Refusal>()
  readonly endings = new Map<string, number>()
  /** Answers to `slow` names that the test has not given yet. */
  readonly held: (() => void)[] = []
  /** What was shown, and whence. */
  readonly asked: { readonly userName: string | undefined; readonly peer: Peer }[] = []

  constructor(...names: readonly string[]) {
    this.names = new Set(names)
  }

  authenticate(credentials: Credentials, peer: Peer): Identity | Refusal | Promise<Identity | Refusal> {
    const { userName } = credentials
    this.asked.push({ userName, peer })
    if (userName?.startsWith('slow') === true) {
      return new Promise((resolve) => {
        this.held.push(() => resolve(this.#answer(credentials, peer)))
      })
    }
    return this.#answer(credentials, peer)
  }

  renew(identity: Identity): Identity | undefined {
    const { user, expiresAtMs } = identity
    const isKnown = user === undefined ? this.isAnonymousIn : this.names.has(user)
    return isKnown && expiresAtMs > Date.now() ? identity : undefined
  }

  identityOf(): undefined {
    return undefined
  }

  #answer({ userName, password, clientId }: Credentials, peer: Peer): Identity | Refusal {
    const nobody = anonymous({ clientId }, peer)
    if (userName === undefined) return this.isAnonymousIn ? nobody : { kind: 'not-authorized', reason: 'no user name' }
    const refusal = this.refusals.get(userName)
    if (refusal !== undefined) return refusal
    if (!this.names.has(userName) || password === undefined || Buffer.from(password).toString() !== 'pw') {
      return { kind: 'wrong', reason: 'the password is wrong' }
    }
    return { ...nobody, user: userName, via: 'password', expiresAtMs: this.endings.get(userName) ?? Infinity }
  }
}

/** One rule: `rule('allow publish', 'home/#', 'anna')`; without a user it is for everybody. Its line is that of its place in `accessOf`. */
export function rule(
  what: `${'allow' | 'deny'} ${'publish' | 'receive' | 'both'}`,
  topics: string,
  user?: string,
  terms: Omit<RuleTerms, 'isAllow' | 'isOfPublish' | 'isOfReceive'> = {},
): (line: number) => Rule {
  const pattern = readPattern(topics)
  if (typeof pattern === 'string') throw new Error(pattern)
  const subject: Subject = user === undefined ? { kind: 'everybody' } : { kind: 'user', name: user }
  const text = `${what} ${topics}`
  return (line) =>
    makeRule({ file: 'rules', line, text }, subject, [pattern], {
      ...terms,
      isAllow: what.startsWith('allow'),
      isOfPublish: !what.endsWith('receive'),
      isOfReceive: !what.endsWith('publish'),
    })
}

/** The rules from the top; with `isFiltering` a filter that is too wide is granted in part. */
export function accessOf(rules: readonly ((line: number) => Rule)[], isFiltering = false): AccessRules {
  const made = rules.map((make, index) => make(index + 1))
  return new AccessRules({ rules: made, groups: new Groups(new Map()), isFiltering })
}

/** A gate of these users and rules. */
export function gateOf(users: SteppedUsers, rules: readonly ((line: number) => Rule)[], isFiltering = false): Gate {
  return new Gate(users, accessOf(rules, isFiltering))
}
