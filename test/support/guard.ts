/** How long a test waits for what should come at once, before it says what did not come. */
export const GUARD_MS = 10_000

/** How long a test waits for a program, while other tests start theirs. */
export const START_GUARD_MS = 30_000

/**
 * Waits for `promise`, and rejects with `explain()` if it takes longer than `guardMs`. Only a guard: no test passes by
 * waiting it out.
 */
export async function guarded<T>(promise: Promise<T>, explain: () => string, guardMs = GUARD_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${guardMs / 1000} s for ${explain()}`))
    }, guardMs)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** As it was before a test had a clock of its own. */
const laterOn = setTimeout

/** Turns of the event loop that are looked at before waiting takes a timer: what comes at once costs no millisecond. */
const PATIENT_TURNS = 200

/** Waits until `isSo()`, without keeping a core busy or the process alive. */
export async function until(isSo: () => boolean, explain: () => string, guardMs = GUARD_MS): Promise<void> {
  const deadlineMs = performance.now() + guardMs
  await new Promise<void>((resolve, reject) => {
    let turns = 0
    const look = (): void => {
      if (isSo()) resolve()
      else if (performance.now() > deadlineMs) reject(new Error(`waited ${guardMs / 1000} s for ${explain()}`))
      else if (++turns < PATIENT_TURNS) setImmediate(look)
      else laterOn(look, 2).unref()
    }
    look()
  })
}

/** A list that callbacks push to and tests wait on. */
export class Collected<T> {
  readonly items: T[] = []
  readonly #name: string
  readonly #listeners = new Set<(item: T) => void>()

  /** `name` is what it collects, for the message when it does not come. */
  constructor(name: string) {
    this.#name = name
  }

  push(item: T): void {
    this.items.push(item)
    for (const listener of this.#listeners) listener(item)
  }

  /** Has `listener` see every item, also those already there. */
  onPush(listener: (item: T) => void): void {
    for (const item of this.items) listener(item)
    this.#listeners.add(listener)
  }

  /** Resolves with all items once there are `count` or more. */
  async atLeast(count: number, guardMs = GUARD_MS): Promise<readonly T[]> {
    if (this.items.length >= count) return this.items
    const complete = this.firstThat(() => (this.items.length >= count ? true : undefined))
    await guarded(complete, () => `${count} ${this.#name}, got ${this.items.length}`, guardMs)
    return this.items
  }

  /** Resolves with the first item, past or to come, that `select` turns into something. Waits for ever. */
  async firstThat<R>(select: (item: T) => R | undefined): Promise<R> {
    return new Promise((resolve) => {
      const listener = (item: T): void => {
        const result = select(item)
        if (result === undefined) return
        this.#listeners.delete(listener)
        resolve(result)
      }
      this.#listeners.add(listener)
      for (const item of this.items) if (this.#listeners.has(listener)) listener(item)
    })
  }
}
