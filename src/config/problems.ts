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

  /** The same so far; what is added to one is not in the other. */
  copy(): Problems {
    const copy = new Problems()
    copy.#found.push(...this.#found)
    for (const key of this.#faultyKeys) copy.#faultyKeys.add(key)
    copy.#isSourceMissing = this.#isSourceMissing
    return copy
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

  /** One error for all of them. */
  get error(): HubbubError {
    const [first, ...others] = this.#found.map(({ code }) => code)
    const code = first !== undefined && others.every((other) => other === first) ? first : 'CONFIG_INVALID'
    return new HubbubError(code, this.#found.map(({ message }) => message).join('\n'))
  }

  /** Throws that error, if there are any. */
  throwIfAny(): void {
    if (this.#found.length > 0) throw this.error
  }
}
