import type { Role } from '../identity.ts'

/** Somebody who has signed in with a browser, until they sign out, stay away, or a week is over. Times are in ms since 1970. */
export interface SignIn {
  /** What people end it by. It is no secret: nobody is let in by it. */
  readonly id: string
  readonly user: string
  /** What the user was then; a change of it ends the sign-in. */
  readonly role: Role
  readonly madeAtMs: number
  /** The last request, up to a minute late after a restart. */
  seenAtMs: number
  /** The address that it was made from. */
  readonly host: string
  /** How the browser calls itself. */
  readonly browser: string
}

/** A sign-in as it is kept: the secret in the cookie is nowhere, only its hash. */
export interface StoredSignIn extends SignIn {
  /** SHA-256 of the secret, base64url. */
  readonly sha256: string
}

/** So long a sign-in lasts when nothing is asked with it, and whatever is asked. */
export const IDLE_MS = 12 * 3_600_000
export const LONGEST_MS = 7 * 24 * 3_600_000
