import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { HubbubError } from '../../base/errors.ts'
import { Fifo } from '../../base/fifo.ts'

/** What the thread is asked. */
export type HashTask =
  | {
      readonly kind: 'check'
      readonly password: Uint8Array
      /** Undefined: there is no such user, and only the decoy is computed. */
      readonly stored: string | undefined
      /** A hash that is computed when the password is wrong, and does not count. */
      readonly decoy: string | undefined
    }
  | { readonly kind: 'new'; readonly password: Uint8Array; readonly scramIterations: number }

export interface HashAnswer {
  readonly isRight: boolean
  readonly hash?: string
  readonly verifier?: string
  readonly fault?: string
}

/** What is stored of a new password. */
export interface NewPassword {
  readonly hash: string
  /** For SCRAM-SHA-256. */
  readonly verifier: string
}

interface Job {
  readonly task: HashTask
  readonly resolve: (answer: HashAnswer) => void
}

/** Checks that wait; each takes some 100 ms, so that the last of them waits as long as a client does. */
const MAX_WAITING = 64

/** Hashes passwords in a thread of its own, one after another, so that the event loop never waits for it. The thread starts when first needed. */
export class PasswordHasher {
  #worker: Worker | undefined
  #running: Job | undefined
  readonly #waiting = new Fifo<Job>()
  #isClosed = false
  /** Tasks that the thread was given. */
  tasks = 0
  /** Checks that were refused since too many waited. */
  refused = 0

  /** Checks that wait or run. */
  get pending(): number {
    return this.#waiting.length + (this.#running === undefined ? 0 : 1)
  }

  /** Whether it is the password that `stored` was made of. Undefined when too many checks wait: it was not looked at. */
  async check(
    password: Uint8Array,
    stored: string | undefined,
    decoy: string | undefined,
  ): Promise<HashAnswer | undefined> {
    if (this.pending >= MAX_WAITING) {
      this.refused++
      return undefined
    }
    return this.#ask({ kind: 'check', password, stored, decoy })
  }

  /** What is stored of a new password. @throws HubbubError `USERS_FAILED` when it is closed meanwhile */
  async make(password: Uint8Array, scramIterations: number): Promise<NewPassword> {
    const { hash, verifier, fault } = await this.#ask({ kind: 'new', password, scramIterations })
    if (hash !== undefined && verifier !== undefined) return { hash, verifier }
    throw new HubbubError('USERS_FAILED', `Cannot hash a password: ${fault ?? 'the thread for it has ended'}`)
  }

  /** Ends the thread. What waits fails. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#worker?.terminate()
    this.#failAll('the hub stops')
  }

  #ask(task: HashTask): Promise<HashAnswer> {
    return new Promise((resolve) => {
      this.#waiting.push({ task, resolve })
      this.#next()
    })
  }

  #next(): void {
    if (this.#running !== undefined) return
    const job = this.#waiting.shift()
    if (job === undefined) {
      this.#worker?.unref()
      return
    }
    if (this.#isClosed) {
      job.resolve({ isRight: false, fault: 'the hub stops' })
      return
    }
    this.#running = job
    this.tasks++
    this.#worker ??= this.#start()
    this.#worker.ref()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- it is a thread, not a window
    this.#worker.postMessage(job.task)
  }

  #start(): Worker {
    // Built, it is a program beside this one; in a test, TypeScript beside this file.
    const worker = new Worker(new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url))
    worker.on('message', (answer: HashAnswer) => this.#done(answer))
    worker.on('error', (error) => {
      this.#worker = undefined
      this.#done({ isRight: false, fault: error.message })
    })
    return worker
  }

  #done(answer: HashAnswer): void {
    const job = this.#running
    this.#running = undefined
    job?.resolve(answer)
    this.#next()
  }

  #failAll(fault: string): void {
    this.#done({ isRight: false, fault })
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) {
      job.resolve({ isRight: false, fault })
    }
  }
}
