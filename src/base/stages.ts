import { HubbubError } from './errors.ts'
import type { Log } from './log.ts'

/** One part of a program that is started and stopped. */
export interface Stage {
  /** What logs and errors call it: "the store". */
  readonly name: string
  start?(): void | Promise<void>
  /** May be called when `start` failed or did not end in time. */
  stop?(): void | Promise<void>
  /** How long `start` may take, in ms. */
  readonly startWithinMs: number
  /** How long `stop` may take, in ms. A part that has not stopped by then is left behind, and reported. */
  readonly stopWithinMs: number
}

/** How often the log says that a start is still going on. */
const SAY_EVERY_MS = 5000

/** Starts stages one after another and stops them in reverse. */
export class Stages {
  readonly #stages: readonly Stage[]
  readonly #log: Log
  /** What was begun, in order. */
  readonly #begun: Stage[] = []

  constructor(stages: readonly Stage[], log: Log) {
    this.#stages = stages
    this.#log = log
  }

  /**
   * Starts all of them. When one fails, that one and those before it are stopped.
   * @throws HubbubError of the stage itself, or `HUB_START_FAILED` naming the stage
   */
  async start(): Promise<void> {
    try {
      for (const stage of this.#stages) {
        this.#begun.push(stage)
        await this.#start(stage)
      }
    } catch (error) {
      await this.stop().catch((err: unknown) =>
        this.#log.error({ err }, 'a part that had been started did not stop in order'),
      )
      throw error
    }
  }

  /**
   * Stops what was begun, the last first. A stage that fails or takes too long does not keep the others from stopping.
   * @throws HubbubError `HUB_STOP_FAILED` naming the first of them
   */
  async stop(): Promise<void> {
    const faults: HubbubError[] = []
    for (let stage = this.#begun.pop(); stage !== undefined; stage = this.#begun.pop()) {
      const { name, stopWithinMs } = stage
      try {
        await within(stopWithinMs, stage.stop?.(), () => `it must have stopped within ${stopWithinMs} ms, it has not`)
      } catch (cause) {
        const fault = new HubbubError('HUB_STOP_FAILED', `Cannot stop ${name}: ${reasonOf(cause)}`, { cause })
        this.#log.error({ err: fault }, 'a part of the hub did not stop')
        faults.push(fault)
      }
    }
    const [first] = faults
    if (first !== undefined) throw first
  }

  async #start(stage: Stage): Promise<void> {
    const { name, startWithinMs } = stage
    const beganMs = performance.now()
    const teller = setInterval(() => {
      this.#log.info({ seconds: Math.round((performance.now() - beganMs) / 1000) }, `still starting ${name}`)
    }, SAY_EVERY_MS)
    try {
      await within(startWithinMs, stage.start?.(), () => `it must have started within ${startWithinMs} ms, it has not`)
    } catch (cause) {
      if (cause instanceof HubbubError) throw cause
      throw new HubbubError('HUB_START_FAILED', `Cannot start ${name}: ${reasonOf(cause)}`, { cause })
    } finally {
      clearInterval(teller)
    }
  }
}

async function within(ms: number, work: void | Promise<void>, fault: () => string): Promise<void> {
  if (work === undefined) return
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(fault())), ms)
  })
  try {
    await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
