import type { Identity, Refusal } from '../identity.ts'
import { readClientFirst, ScramServer, type ScramStart } from '../passwords/scram.ts'
import type { ScramVerifier } from '../passwords/scram-verifier.ts'

/** What a sign-in by SCRAM needs of the users. */
export interface ScramUsers {
  /** The verifier of a user; of an unknown one another that looks like it. A refusal: the name is not to be tried from there now. */
  verifierOf(userName: string): ScramVerifier | Refusal | Promise<ScramVerifier | Refusal>
  /** A refusal: there were too many failures since it began. Who begins a thousand at once has no more guesses than others. */
  refusalNow(userName: string): Refusal | undefined
  /** Who has proven to know the password; undefined: the user is not there, or has another password by now. */
  admit(userName: string, verifier: ScramVerifier): Identity | undefined
  /** What a failure is answered with, after a while. */
  refuse(userName: string): Promise<Refusal>
}

/** A sign-in that is complete. `message` is the last one to the client: with it the hub proves that it knew the password. */
export interface ScramSuccess {
  readonly identity: Identity
  readonly message: Uint8Array
}

export function isScramSuccess(answer: ScramSuccess | Refusal): answer is ScramSuccess {
  return 'identity' in answer
}

const MALFORMED: Refusal = { kind: 'wrong', reason: 'a SCRAM message could not be read' }

/** One sign-in by SCRAM-SHA-256: `first`, then `final`, each once and with what the client sent. It knows no packets. */
export class ScramSignIn {
  readonly #users: ScramUsers
  #start: ScramStart | undefined
  #verifier: ScramVerifier | undefined
  #server: ScramServer | undefined

  constructor(users: ScramUsers) {
    this.#users = users
  }

  /** What is to be sent to the client, who goes on then. An unknown user gets an answer like any. */
  async first(message: Uint8Array): Promise<Uint8Array | Refusal> {
    const start = this.#start === undefined ? readClientFirst(message) : undefined
    if (start === undefined) return MALFORMED
    this.#start = start
    const verifier = await this.#users.verifierOf(start.userName)
    if ('kind' in verifier) return verifier
    this.#verifier = verifier
    this.#server = new ScramServer(start, verifier)
    return this.#server.first
  }

  async final(message: Uint8Array): Promise<ScramSuccess | Refusal> {
    if (this.#start === undefined || this.#server === undefined || this.#verifier === undefined) return MALFORMED
    const { userName } = this.#start
    const refusal = this.#users.refusalNow(userName)
    if (refusal !== undefined) return refusal
    const answer = this.#server.final(message)
    const identity = answer === undefined ? undefined : this.#users.admit(userName, this.#verifier)
    if (answer === undefined || identity === undefined) return this.#users.refuse(userName)
    return { identity, message: answer }
  }
}
