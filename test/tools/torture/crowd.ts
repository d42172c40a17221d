import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { check, type Published, type Received, type Verdict } from './checker.ts'
import { Faults } from './faults.ts'
import type { Answer, ChildReport, Order, Progress } from './orders.ts'
import type { Plan } from './plan.ts'
import type { Pace } from './publishing-client.ts'
import { until } from './until.ts'
import type { Workshop } from './workshop.ts'

const READY_DEADLINE_MS = 20_000
const REPORT_DEADLINE_MS = 60_000
const NOTHING: Progress = { kind: 'progress', isReady: false, sent: 0, outstanding: 0, received: 0, connects: 0 }

export interface CrowdOptions {
  readonly workshop: Workshop
  readonly port: number
  readonly plan: Plan
  readonly pace: Pace
  readonly seed: number
}

/** What a crowd did, all processes together. */
export interface Observed {
  readonly published: readonly Published[]
  readonly received: readonly Received[]
  readonly faults: Faults
  readonly verdict: Verdict
}

/** The publishers and subscribers of a run: two processes of subscribers first, then two of publishers. */
export class Crowd {
  readonly #options: CrowdOptions
  readonly #publishers: Child[] = []
  readonly #subscribers: Child[] = []

  constructor(options: CrowdOptions) {
    this.#options = options
  }

  /** Resolves when every subscription is granted and the publishers are on their way. */
  async start(): Promise<void> {
    const { workshop, port, plan, pace, seed } = this.#options
    const qosByPublisher = Object.fromEntries(plan.publishers.map(({ id, qos }) => [id, qos]))
    for (const [i, subscribers] of halves(plan.subscribers).entries()) {
      this.#subscribers.push(
        new Child(workshop.startProgram('subscriber', { port, seed: seed + i, subscribers, qosByPublisher })),
      )
    }
    await until(() => this.#subscribers.every(({ progress }) => progress.isReady), READY_DEADLINE_MS)
    for (const [i, publishers] of halves(plan.publishers).entries()) {
      this.#publishers.push(
        new Child(workshop.startProgram('publisher', { port, seed: seed + 2 + i, publishers, pace })),
      )
    }
  }

  get sent(): number {
    return sum(this.#publishers, ({ sent }) => sent)
  }

  get outstanding(): number {
    return sum(this.#publishers, ({ outstanding }) => outstanding)
  }

  get received(): number {
    return sum(this.#subscribers, ({ received }) => received)
  }

  get connects(): number {
    return sum([...this.#publishers, ...this.#subscribers], ({ connects }) => connects)
  }

  /** How often subscribers have connected. */
  get subscriberConnects(): number {
    return sum(this.#subscribers, ({ connects }) => connects)
  }

  /** Has all subscribers drop their connections at the same moment and come back. */
  dropSubscribers(): void {
    for (const child of this.#subscribers) child.order({ kind: 'drop' })
  }

  /**
   * Has the publishers end and the subscribers read what is left, and checks. It is over when nothing is missing and
   * nothing more has come for `quietMs`; or nothing at all for four times as long; or at the deadline.
   */
  async finish(quietMs: number, deadlineMs: number): Promise<Observed> {
    const endMs = performance.now() + deadlineMs
    const faults = new Faults()
    for (const child of this.#publishers) child.order({ kind: 'finish' })
    if (!(await until(() => this.outstanding === 0, deadlineMs)))
      faults.add('not acknowledged', `${this.outstanding} messages after ${deadlineMs} ms`)
    for (const child of this.#subscribers) child.order({ kind: 'finish' })
    let observed = await this.#observe()
    for (let quietRounds = 0; quietRounds < 4 && performance.now() < endMs; quietRounds++) {
      const before = this.received
      await sleep(quietMs)
      if (this.received > before) quietRounds = -1
      else observed = await this.#observe()
      if (quietRounds >= 0 && observed.verdict.faults.countOf('missing') === 0) break
    }
    observed.faults.addAll(faults.byKind)
    return observed
  }

  async #observe(): Promise<Observed> {
    const reports = await Promise.all([...this.#publishers, ...this.#subscribers].map((child) => child.report()))
    const published = reports.flatMap((report) => report.published)
    const received = reports.flatMap((report) => report.received)
    const verdict = check(this.#options.plan, published, received)
    const faults = new Faults()
    for (const report of reports) faults.addAll(report.faults)
    faults.addAll(verdict.faults.byKind)
    return { published, received, faults, verdict }
  }

  /** Has all children end. */
  end(): void {
    for (const child of [...this.#publishers, ...this.#subscribers]) child.end()
  }
}

/** A child process as the runner sees it. */
class Child {
  progress: Progress = NOTHING
  readonly #process: ChildProcessWithoutNullStreams
  #takeReport: (report: ChildReport) => void = () => undefined
  #lastWords = ''

  constructor(childProcess: ChildProcessWithoutNullStreams) {
    this.#process = childProcess
    createInterface({ input: childProcess.stdout }).on('line', (line) => {
      const answer: Answer = JSON.parse(line)
      if (answer.kind === 'progress') this.progress = answer
      else this.#takeReport(answer)
    })
    childProcess.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-1000)
    })
  }

  order(order: Order): void {
    this.#process.stdin.write(`${JSON.stringify(order)}\n`)
  }

  async report(): Promise<ChildReport> {
    const report = new Promise<ChildReport>((resolve) => {
      this.#takeReport = resolve
    })
    this.order({ kind: 'report' })
    const answer = await Promise.race([report, sleep(REPORT_DEADLINE_MS, undefined, { ref: false })])
    if (answer === undefined) throw new Error(`a child process did not report: ${this.#lastWords}`)
    return answer
  }

  end(): void {
    this.#process.stdin.end()
  }
}

function halves<T>(items: readonly T[]): T[][] {
  return [items.filter((_item, i) => i % 2 === 0), items.filter((_item, i) => i % 2 === 1)]
}

function sum(children: readonly Child[], select: (progress: Progress) => number): number {
  return children.reduce((total, { progress }) => total + select(progress), 0)
}
