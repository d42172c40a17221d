import type { Rule } from './rules/rule.ts'

/** What a person or program may do on the pages and in the API, each more than the one before. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

export type Role = (typeof ROLES)[number]

/** The lower of two roles; undefined is the lowest. */
export function lowerRole(a: Role | undefined, b: Role | undefined): Role | undefined {
  return a === undefined || b === undefined ? undefined : ROLES.find((role) => role === a || role === b)
}

/** How somebody has shown who they are; `program` is the program that embeds the hub. */
export type Via = 'password' | 'certificate' | 'token' | 'cookie' | 'anonymous' | 'program'

/** Who asks, as far as rules can tell. It never changes: a new sign-in makes another. */
export interface Identity {
  /** Undefined: nobody in particular. */
  readonly user: string | undefined
  readonly groups: readonly string[]
  readonly role: Role | undefined
  readonly via: Via
  /** Of an MQTT client. */
  readonly clientId: string | undefined
  /** The IP address of the peer. */
  readonly host: string
  /** The name of the listener that the peer has come to. */
  readonly listener: string
  /** When the credential ends, in ms since 1970 by the wall clock; Infinity: never. */
  readonly expiresAtMs: number
  /** The sign-in that it acts for: when that is over, it may do nothing more. */
  readonly signIn?: string | undefined
  /** Rules for this identity alone, of its user or its token. They come after those of the file. */
  readonly ownRules: readonly Rule[]
  /** What a token of its user is for: nothing that these rules do not allow too. Undefined: all that the user may do. */
  readonly scope?: readonly Rule[]
  /** By what the authenticator knows the credential again that it was let in by; copies take it along. */
  readonly grant?: object | undefined
}

/** Where a connection or request comes from, and what its transport knows of who it is. */
export interface Peer {
  readonly host: string
  readonly listener: string
  /** The name in a client certificate that the listener has found good. */
  readonly certificateName: string | undefined
}

/** What somebody shows to be let in. */
export interface Credentials {
  readonly userName: string | undefined
  readonly password: Uint8Array | undefined
  readonly clientId: string | undefined
}

/** Nobody is let in by these credentials. */
export interface Refusal {
  /** What follows from it: `busy` may be tried again, `banned` was not even looked at. */
  readonly kind: 'wrong' | 'not-authorized' | 'busy' | 'banned'
  /** For the log; a stranger is not told. */
  readonly reason: string
}

export function isRefusal(answer: Identity | Refusal): answer is Refusal {
  return 'kind' in answer
}
