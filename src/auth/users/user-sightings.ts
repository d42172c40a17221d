/** What was seen of a user since the hub has started. */
export interface UserSighting {
  /** By the wall clock, in ms since 1970; undefined: not since the start. */
  readonly lastSeenAtMs: number | undefined
  readonly lastSeenHost: string | undefined
  /** Wrong credentials for the name since it was last right. */
  readonly failures: number
  readonly lastFailureAtMs: number | undefined
  readonly lastFailureHost: string | undefined
}

const NEVER: UserSighting = {
  lastSeenAtMs: undefined,
  lastSeenHost: undefined,
  failures: 0,
  lastFailureAtMs: undefined,
  lastFailureHost: undefined,
}

/** When each user was last there, and who tried to be it; kept in memory, of users that exist only. */
export class UserSightings {
  readonly #nowMs: () => number
  readonly #byName = new Map<string, UserSighting>()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  of(name: string): UserSighting {
    return this.#byName.get(name) ?? NEVER
  }

  noteSuccess(name: string, host: string): void {
    this.#byName.set(name, { ...this.of(name), lastSeenAtMs: this.#nowMs(), lastSeenHost: host, failures: 0 })
  }

  noteFailure(name: string, host: string): void {
    const before = this.of(name)
    const failures = before.failures + 1
    this.#byName.set(name, { ...before, failures, lastFailureAtMs: this.#nowMs(), lastFailureHost: host })
  }

  /** Forgets users that are no more. */
  keep(exists: (name: string) => boolean): void {
    for (const name of this.#byName.keys()) if (!exists(name)) this.#byName.delete(name)
  }
}
