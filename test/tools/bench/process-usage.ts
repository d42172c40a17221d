// What Linux says about a process: memory and processor time.
/* oxlint-disable no-await-in-loop -- it samples until the figure stands still */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const ticksPerSecond = 100 // USER_HZ, fixed on Linux

/** User and system time of a process since its start, in seconds; NaN when it is gone. */
export function processorSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
  } catch {
    return Number.NaN
  }
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Rss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? Number.NaN) * 1024
}

/** Resident memory once it has stood still, within half a percent, for two seconds; gives up waiting after 20 s. */
export async function settledResidentBytes(pid: number): Promise<number> {
  let last = residentBytes(pid)
  let calmSamples = 0
  for (let sample = 0; sample < 40 && calmSamples < 4; sample++) {
    await sleep(500)
    const now = residentBytes(pid)
    calmSamples = Math.abs(now - last) <= last * 0.005 ? calmSamples + 1 : 0
    last = now
  }
  return last
}

/** What all processors together have worked since the start of the machine, in seconds. */
function machineSeconds(): number {
  const [user, nice, system, , , irq, softIrq, steal] =
    /^cpu +(.+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? []
  return sum([user, nice, system, irq, softIrq, steal]) / ticksPerSecond
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce((total: number, number) => total + (number ?? 0), 0)
}

/** Shares of one core. `othersBusy` is what neither the generator nor the broker used: it makes figures worse. */
export interface Use {
  elapsedSeconds: number
  generatorBusy: number
  brokerBusy: number
  othersBusy: number
}

/** Processor time between its making and `end`. */
export class ProcessorUse {
  readonly #brokerPid: number
  readonly #startedAtMs = performance.now()
  readonly #own = process.cpuUsage()
  readonly #machineSeconds = machineSeconds()
  readonly #brokerSeconds: number

  constructor(brokerPid: number) {
    this.#brokerPid = brokerPid
    this.#brokerSeconds = processorSeconds(brokerPid)
  }

  end(): Use {
    const elapsedSeconds = (performance.now() - this.#startedAtMs) / 1000
    const own = process.cpuUsage(this.#own)
    const generatorBusy = (own.user + own.system) / 1e6 / elapsedSeconds
    const brokerBusy = (processorSeconds(this.#brokerPid) - this.#brokerSeconds) / elapsedSeconds
    const machineBusy = (machineSeconds() - this.#machineSeconds) / elapsedSeconds
    const othersBusy = Math.max(0, machineBusy - generatorBusy - brokerBusy)
    return { elapsedSeconds, generatorBusy, brokerBusy, othersBusy }
  }
}
