import type { JWTPayload } from 'jose'
import { ROLES, type Role } from '../identity.ts'
import { parseRules } from '../rules/read-rules.ts'
import type { Rule } from '../rules/rule.ts'
import { userNameFault } from '../users/user.ts'
import type { JwtKey } from './jwt-keys.ts'
import type { KeySource } from './key-source.ts'

export interface JwtSettings {
  /** What must be in `aud`. */
  readonly audience: string
  /** What `iss` must be; null: anything. */
  readonly issuer: string | null
  readonly userClaim: string
  readonly groupsClaim: string
  readonly rulesClaim: string
  /** null: a token gives no role. */
  readonly roleClaim: string | null
}

/** What a token says that the hub trusts. */
export interface JwtBearer {
  readonly user: string
  readonly groups: readonly string[]
  readonly role: Role | undefined
  readonly ownRules: readonly Rule[]
  readonly expiresAtMs: number
}

/** Why a token is not good, for the log; `isBusy`: it was not looked at. */
export interface JwtFault {
  readonly fault: string
  readonly isBusy: boolean
}

const MAX_CHARACTERS = 16 * 1024
/** Clocks differ. */
const TOLERANCE_SECONDS = 60
const MAX_GROUPS = 256
/** Keys of one kind without an identifier that are tried. */
const MAX_TRIED_KEYS = 8
/** Signatures are checked in libuv's pool, which the store needs too. */
const MAX_AT_ONCE = 8
const MAX_PENDING = 72
/** Tokens of keys that are not known wait for the provider, and keep no others out meanwhile. */
const MAX_AWAITING_KEYS = 64
const BUSY: JwtFault = { fault: 'too many tokens are being checked', isBusy: true }
const FORM = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** Checks JSON Web Tokens. They are the credential of somebody whom the users file need not know. [RFC 7519] */
export class JwtVerifier {
  readonly #settings: JwtSettings
  readonly #source: KeySource
  readonly #nowMs: () => number
  #pending = 0
  #running = 0
  #awaitingKeys = 0
  readonly #waiting: (() => void)[] = []

  constructor(settings: JwtSettings, source: KeySource, nowMs: () => number) {
    this.#settings = settings
    this.#source = source
    this.#nowMs = nowMs
  }

  start(): Promise<void> {
    return this.#source.start()
  }

  stop(): void {
    this.#source.stop()
  }

  /** Whether it is meant as such a token. */
  isJwt(text: string): boolean {
    // What every header begins with: {" in base64.
    return text.startsWith('eyJ') && FORM.test(text)
  }

  /** Who comes with a token. Never throws. */
  async verify(token: string): Promise<JwtBearer | JwtFault> {
    if (token.length > MAX_CHARACTERS) return faulty('it is longer than 16 KiB')
    if (this.#pending >= MAX_PENDING) return BUSY
    this.#pending++
    try {
      return await this.#check(token)
    } catch (error) {
      return faulty(error instanceof Error ? error.message : String(error))
    } finally {
      this.#pending--
    }
  }

  async #check(token: string): Promise<JwtBearer | JwtFault> {
    const { decodeProtectedHeader } = await import('jose')
    const { alg, kid, crit } = decodeProtectedHeader(token)
    if (crit !== undefined) return faulty('it has an extension that must be understood (crit)')
    if (alg === undefined) return faulty('it names no algorithm')
    let keys = this.#keysFor(alg, kid)
    if (keys.length === 0) {
      if (this.#awaitingKeys >= MAX_AWAITING_KEYS) return BUSY
      await this.#refresh()
      keys = this.#keysFor(alg, kid)
    }
    if (keys.length === 0) return faulty('there is no key for its algorithm and identifier')
    if (this.#running >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running++
    try {
      return this.#bearerOf(await this.#verified(token, keys))
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  /** Asks for other keys; who waits for them has no place among those who are checked. */
  async #refresh(): Promise<void> {
    this.#awaitingKeys++
    this.#pending--
    try {
      await this.#source.refresh()
    } finally {
      this.#awaitingKeys--
      this.#pending++
    }
  }

  #keysFor(alg: string, id: string | undefined): readonly JwtKey[] {
    return this.#source.keys.filter(
      (key) => key.algorithms.includes(alg) && (id === undefined || key.id === undefined || key.id === id),
    )
  }

  /** @throws what jose throws, for the last key */
  async #verified(token: string, keys: readonly JwtKey[]): Promise<JWTPayload> {
    const { jwtVerify } = await import('jose')
    const { audience, issuer } = this.#settings
    let last: unknown
    for (const { key, algorithms } of keys.slice(0, MAX_TRIED_KEYS)) {
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: [...algorithms],
          audience,
          ...(issuer !== null && { issuer }),
          requiredClaims: ['exp', 'sub'],
          clockTolerance: TOLERANCE_SECONDS,
          currentDate: new Date(this.#nowMs()),
        })
        return payload
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  #bearerOf(payload: JWTPayload): JwtBearer | JwtFault {
    const { userClaim, groupsClaim, rulesClaim, roleClaim } = this.#settings
    const user = claimOf(payload, userClaim)
    if (typeof user !== 'string') return faulty(`the claim "${userClaim}" must be the name of a user`)
    const nameFault = userNameFault(user)
    if (nameFault !== undefined) return faulty(`the claim "${userClaim}" must ${nameFault}`)
    const groups = textsOf(claimOf(payload, groupsClaim))
    if (groups === undefined || groups.some((group) => userNameFault(group) !== undefined)) {
      return faulty(`the claim "${groupsClaim}" must be a list of at most ${MAX_GROUPS} groups`)
    }
    const { rules, faults } = parseRules(claimOf(payload, rulesClaim) ?? [], 'a token')
    if (faults[0] !== undefined) return faulty(`the claim "${rulesClaim}": ${faults[0].what}`)
    const role = roleClaim === null ? undefined : ROLES.find((known) => known === claimOf(payload, roleClaim))
    const expiresAtMs = ((payload.exp ?? 0) + TOLERANCE_SECONDS) * 1000
    return { user, groups, role, ownRules: rules, expiresAtMs }
  }
}

export function isJwtFault(answer: JwtBearer | JwtFault): answer is JwtFault {
  return 'fault' in answer
}

/** A claim by its name, or by the names on the way to it: `realm_access.roles`. */
function claimOf(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path]
  let value: unknown = payload
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

/** Undefined: it is no list of texts, or too long. */
function textsOf(value: unknown): readonly string[] | undefined {
  if (value === undefined) return []
  if (typeof value === 'string') return [value]
  const isList = Array.isArray(value) && value.length <= MAX_GROUPS
  return isList && value.every((item) => typeof item === 'string') ? value : undefined
}

function faulty(fault: string): JwtFault {
  return { fault, isBusy: false }
}
