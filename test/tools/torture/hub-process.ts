import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Faults } from './faults.ts'
import type { Workshop } from './workshop.ts'

const START_DEADLINE_MS = 30_000
const STOP_DEADLINE_MS = 10_000

export interface HubProcessOptions {
  readonly workshop: Workshop
  readonly port: number
  /** Besides the ports. */
  readonly args: readonly string[]
  /** For Node itself. */
  readonly nodeArgs?: readonly string[]
  readonly faults: Faults
}

/** One hub after another on the same port, each a process `dist/hub/main.js`. What it writes to stderr is in `<folder>/hub.log`. */
export class HubProcess {
  starts = 0
  slowestStartMs = 0
  peakMemoryBytes = 0
  hasEnded = false
  /** Where it answers HTTP; empty until it says so. */
  httpUrl = ''
  readonly logFile: string
  readonly #options: HubProcessOptions
  #faults: Faults
  #child: ChildProcessWithoutNullStreams | undefined = undefined
  #exited: Promise<void> = Promise.resolve()
  #banner: Promise<boolean> = Promise.resolve(false)
  #isEndExpected = false
  /** The end of what it said on stderr. */
  #lastWords = ''

  constructor(options: HubProcessOptions) {
    this.#options = options
    this.#faults = options.faults
    this.logFile = join(options.workshop.folder, 'hub.log')
  }

  /** From now on faults are added there. */
  useFaults(faults: Faults): void {
    this.#faults = faults
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** All that hubs of this run said on stderr. */
  readLog(): string {
    return readFileSync(this.logFile, 'utf8')
  }

  /** Starts a hub and waits until it listens. False: it did not, which is among the faults. */
  async start(): Promise<boolean> {
    const startedMs = performance.now()
    this.spawn()
    const isThere = await Promise.race([this.#banner, sleep(START_DEADLINE_MS, undefined, { ref: false })])
    if (isThere === undefined) this.#faults.add('start hung', `no banner in ${START_DEADLINE_MS} ms`)
    if (isThere !== true) await this.kill()
    else this.slowestStartMs = Math.max(this.slowestStartMs, performance.now() - startedMs)
    return isThere === true
  }

  /** Starts a hub and does not wait. */
  spawn(): void {
    const { workshop, port, args, nodeArgs } = this.#options
    this.starts++
    this.#isEndExpected = false
    this.#lastWords = ''
    appendFileSync(this.logFile, `--- start ${this.starts}\n`)
    const child = workshop.startHub(['--port', String(port), '--http-port', '0', ...args], nodeArgs)
    this.#child = child
    this.hasEnded = false
    this.httpUrl = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      appendFileSync(this.logFile, text)
      this.#lastWords = (this.#lastWords + text).slice(-500)
    })
    this.#exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.hasEnded = true
        if (!this.#isEndExpected)
          this.#faults.add('ended by itself', `code ${code}, signal ${signal}: ${this.#lastWords}`)
        resolve()
      })
    })
    this.#banner = new Promise((resolve) => {
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text
        this.httpUrl = /http:\S+/.exec(output)?.[0] ?? ''
        if (output.includes('mqtt://')) resolve(true)
      })
      child.once('close', () => resolve(false))
    })
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#readMemory()
    this.#isEndExpected = true
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** SIGTERM; the hub must end by itself with code 0. */
  async stop(): Promise<void> {
    this.#readMemory()
    this.#isEndExpected = true
    this.#child?.kill('SIGTERM')
    await Promise.race([this.#exited, sleep(STOP_DEADLINE_MS, undefined, { ref: false })])
    const { exitCode, signalCode } = this.#child ?? {}
    if (exitCode !== 0) {
      const state = signalCode ?? exitCode ?? `running after ${STOP_DEADLINE_MS} ms`
      this.#faults.add('stopped badly', `${state}: ${this.#lastWords}`)
    }
    await this.kill()
  }

  /** The most memory the hub has had so far, where the system tells. */
  #readMemory(): void {
    try {
      const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]
      this.peakMemoryBytes = Math.max(this.peakMemoryBytes, Number(kilobytes ?? 0) * 1024)
    } catch {
      // It has gone, or this is not Linux.
    }
  }
}
