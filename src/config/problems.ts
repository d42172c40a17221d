import { HubbubError, type ErrorCode } from '../base/errors.ts'

interface Problem {
  readonly code: ErrorCode
  readonly message: string
}

/** Collects every mistake of a configuration, so that all are reported at once, one line each. */
export class Problems {
  readonly #found: Problem[] = []
  readonly #faultyKeys = new Set<string>()
  #isSourceMissing = false

  get isEmpty(): boolean {
    return this.#found.length === 0
  }

  /** A mistake at a place such as `hubbub.yaml:12`; `key` is the option that has no usable value because of it. */
  add(place: string, what: string, key?: string): void {
    this.#found.push({ code: 'CONFIG_INVALID', message: `Cannot use ${place}: ${what}` })
    if (key !== undefined) this.#faultyKeys.add(key)
  }

  /** A mistake because of which a whole source says nothing. */
  addSource(code: ErrorCode, message: string): void {
    this.#found.push({ code, message })
    this.#isSourceMissing = true
  }

  /** A value that is right by itself and wrong with the others. */
  addConflict(code: ErrorCode, message: string): void {
    this.#found.push({ code, message })
  }

  /** True if nothing wrong so far can have hidden or changed what the user wanted of these options. */
  areTrusted(...keys: readonly string[]): boolean {
    return !this.#isSourceMissing && !keys.some((key) => this.#faultyKeys.has(key))
  }

  /** Throws one error for all of them, if there are any. */
  throwIfAny(): void {
    const [first] = this.#found
    if (first === undefined) return
    const code = this.#found.every((problem) => problem.code === first.code) ? first.code : 'CONFIG_INVALID'
    throw new HubbubError(code, this.#found.map((problem) => problem.message).join('\n'))
  }
}
