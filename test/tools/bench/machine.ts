// What the figures were measured on.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg, totalmem } from 'node:os'

export interface Machine {
  processor: string
  cores: number
  memoryGiB: number
  kernel: string
  node: string
  /** undefined when it is not installed. */
  mosquitto: string | undefined
  nats: string | undefined
  /** Load average of the last minute at the start: other work on the machine makes figures worse. */
  loadAtStart: number
}

export function describeMachine(mosquittoPath: string | undefined, natsPath: string | undefined): Machine {
  const processor = /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor'
  return {
    processor: processor.trim(),
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    node: process.version,
    mosquitto: mosquittoPath === undefined ? undefined : mosquittoVersion(mosquittoPath),
    nats: natsPath === undefined ? undefined : natsVersion(natsPath),
    loadAtStart: loadavg()[0] ?? Number.NaN,
  }
}

/** How many files a process started from here may open. */
export function openFilesLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
}

function mosquittoVersion(path: string): string {
  try {
    return firstVersion(execFileSync(path, ['-h'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }))
  } catch (error) {
    // Mosquitto 2.0 prints its help and exits 3.
    return firstVersion(error instanceof Error && 'stdout' in error ? String(error.stdout) : '')
  }
}

function natsVersion(path: string): string {
  return /v([\d.]+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1] ?? 'of unknown version'
}

function firstVersion(text: string): string {
  return /version (\S+)/.exec(text)?.[1] ?? 'of unknown version'
}
