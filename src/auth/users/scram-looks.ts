import { DEVICE_ITERATIONS, hmac, type ScramVerifier } from '../passwords/scram-verifier.ts'

const SALT_BYTES = 16

/** Verifiers for names that nobody has. Each is the same whenever it is asked for, also after a restart, and looks like that of a user. */
export class ScramLooks {
  readonly #key: Uint8Array
  /** The numbers of rounds that users have, each once. */
  readonly #iterations: readonly number[]

  /** `iterations`: of all verifiers that there are. */
  constructor(key: Uint8Array, iterations: readonly number[]) {
    this.#key = key
    this.#iterations = [...new Set(iterations)].toSorted((a, b) => a - b)
  }

  of(userName: string): ScramVerifier {
    const look = hmac(this.#key, userName)
    const index = (look[SALT_BYTES] ?? 0) % Math.max(1, this.#iterations.length)
    return {
      salt: look.subarray(0, SALT_BYTES),
      iterations: this.#iterations[index] ?? DEVICE_ITERATIONS,
      // Nobody can make a proof for these.
      storedKey: hmac(look, 'stored'),
      serverKey: hmac(look, 'server'),
    }
  }
}
