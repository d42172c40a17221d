import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { Message } from '../protocol/message.ts'
import type { HubFacts } from './facts.ts'
import { LOAD_WINDOWS_MINUTES, LoadAverage } from './load-average.ts'
import { SYS_LOADS, SYS_VALUES, type SysFacts } from './sys-rows.ts'

const PREFIX = '$SYS/broker/'

export interface SysTopicsOptions {
  /** 0: nothing is published. */
  readonly intervalSeconds: number
  readonly version: string
  readonly facts: () => Promise<HubFacts>
  /** Publishes a message of the hub's own. */
  readonly publish: (message: Message) => void
}

/**
 * Publishes the state of the hub under `$SYS/broker/`, retained so that subscribers get it at once. Values that have not changed are
 * not published again. It uses QoS 0, since a client that was away has no use for old values.
 */
export class SysTopics {
  readonly #options: SysTopicsOptions
  readonly #published = new Map<string, string>()
  readonly #loads = new Map<string, LoadAverage>()
  readonly #startedAtMs = performance.now()
  #updatedAtMs = this.#startedAtMs
  #maximumHeapBytes = 0
  #timer: NodeJS.Timeout | undefined = undefined
  #isStopped = false

  constructor(options: SysTopicsOptions) {
    this.#options = options
    for (const name of Object.keys(SYS_LOADS)) this.#loads.set(name, new LoadAverage())
  }

  /** Resolves when all topics have a value. */
  async start(): Promise<void> {
    const { intervalSeconds } = this.#options
    if (intervalSeconds === 0) return
    await this.#update()
    this.#timer = setInterval(() => void this.#update(), intervalSeconds * 1000)
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
  }

  async #update(): Promise<void> {
    const { facts: gather, version } = this.#options
    const facts = await gather()
    if (this.#isStopped) return
    const nowMs = performance.now()
    const { heapUsed, external } = process.memoryUsage()
    const heapBytes = heapUsed + external
    this.#maximumHeapBytes = Math.max(this.#maximumHeapBytes, heapBytes)
    const uptimeSeconds = (nowMs - this.#startedAtMs) / 1000
    const all = { ...facts, version, uptimeSeconds, heapBytes, maximumHeapBytes: this.#maximumHeapBytes }
    const before = LOOP_TIMES.enter(LoopPart.OBSERVE)
    this.#publishValues(all)
    this.#publishLoads(all, (nowMs - this.#updatedAtMs) / 60_000)
    LOOP_TIMES.leave(before)
    this.#updatedAtMs = nowMs
  }

  #publishValues(facts: SysFacts): void {
    for (const [name, value] of Object.entries(SYS_VALUES)) this.#publish(name, String(value(facts)))
  }

  #publishLoads(facts: SysFacts, minutes: number): void {
    for (const [name, load] of this.#loads) {
      load.update(SYS_LOADS[name]?.(facts) ?? 0, minutes)
      for (const window of LOAD_WINDOWS_MINUTES) {
        this.#publish(`${name}/${window}min`, load.perMinute(window).toFixed(2))
      }
    }
  }

  #publish(name: string, value: string): void {
    if (this.#published.get(name) === value) return
    this.#published.set(name, value)
    this.#options.publish(Message.create(PREFIX + name, Buffer.from(value), 0, true, undefined))
  }
}
