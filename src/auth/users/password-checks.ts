import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Log } from '../../base/log.ts'
import type { PasswordHasher } from '../passwords/password-hasher.ts'
import { base64 } from '../passwords/scram-verifier.ts'
import type { UserTable } from './user-table.ts'

/**
 * Checks passwords against slow hashes as seldom as it can: one that was right is known again by a MAC, and many who come with one
 * password at once are one check. An unknown name takes the same way as a wrong password.
 */
export class PasswordChecks {
  readonly #hasher: PasswordHasher
  readonly #log: Log
  /** Of this process: nothing that leaves the memory can be checked against. */
  readonly #key = randomBytes(32)
  /** By name, of the password that was right. */
  readonly #right = new Map<string, Buffer>()
  /** Those that go on. */
  readonly #running = new Map<string, Promise<boolean | undefined>>()

  constructor(hasher: PasswordHasher, log: Log) {
    this.#hasher = hasher
    this.#log = log
  }

  /** Whether it was right before. */
  isKnown(name: string, password: Uint8Array): boolean {
    const right = this.#right.get(name)
    return right !== undefined && timingSafeEqual(this.#mac(name, password), right)
  }

  remember(name: string, password: Uint8Array): void {
    this.#right.set(name, this.#mac(name, password))
  }

  /** Forgets the passwords of those whose credential is another by now, or who are gone. */
  forgetChanged(before: UserTable, after: UserTable): void {
    for (const name of this.#right.keys()) {
      if (before.get(name)?.stamp !== after.get(name)?.stamp) this.#right.delete(name)
    }
  }

  /** Undefined: too many checks wait. */
  check(users: UserTable, name: string, password: Uint8Array): Promise<boolean | undefined> {
    const mac = base64(this.#mac(name, password))
    let check = this.#running.get(mac)
    if (check === undefined) {
      check = this.#hash(users, name, password).finally(() => this.#running.delete(mac))
      this.#running.set(mac, check)
    }
    return check
  }

  async #hash(users: UserTable, name: string, password: Uint8Array): Promise<boolean | undefined> {
    const entry = users.get(name)
    const like = entry ?? users.standIn(name)
    const stored = like?.user.password
    const decoy = like !== undefined && like.costUs < users.decoyCostUs ? users.decoy : undefined
    // Nobody has a password, so that there is nothing to look like.
    if (stored === undefined && decoy === undefined) return false
    const answer = await this.#hasher.check(password, stored, decoy)
    if (answer?.fault !== undefined) this.#log.error({ user: name, reason: answer.fault }, 'password not checked')
    return answer === undefined ? undefined : answer.isRight && entry !== undefined
  }

  #mac(name: string, password: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(name)).update(password).digest()
  }
}
