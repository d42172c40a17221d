import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { findTool } from '../../support/debian-tools.ts'
import type { Faults } from './faults.ts'
import { HubProcess } from './hub-process.ts'
import { until } from './until.ts'
import { findPort, ROOT, type Workshop } from './workshop.ts'

const START_DEADLINE_MS = 10_000

/** What the campaign of hogs asks of a broker that runs. */
export interface HogBroker {
  readonly name: string
  readonly port: number
  /** Undefined where it has no HTTP. */
  readonly httpUrl: string | undefined
  readonly pid: number
  /** Its metrics now; undefined where it has none, or does not answer. */
  scrape(): Promise<Metrics | undefined>
  readonly hasEnded: boolean
  kill(): Promise<void>
}

/** Samples by name and labels: `hubbub_event_loop_stops_total{cause="gc"}`. */
export type Metrics = ReadonlyMap<string, number>

/** Starts a hub whose JavaScript heap is so small. */
export async function startHogHub(
  workshop: Workshop,
  heapMegabytes: number,
  args: readonly string[],
  faults: Faults,
): Promise<HogBroker | undefined> {
  const port = await findPort()
  const hub = new HubProcess({
    workshop,
    port,
    args: [...args, '--log-level', 'warn'],
    nodeArgs: [`--max-old-space-size=${heapMegabytes}`],
    faults,
  })
  if (!(await hub.start())) return undefined
  return {
    name: 'hub',
    port,
    httpUrl: hub.httpUrl,
    pid: hub.pid,
    scrape: async () => scrape(hub.httpUrl),
    get hasEnded() {
      return hub.hasEnded
    },
    kill: async () => hub.kill(),
  }
}

/** Starts a Mosquitto; undefined when there is none here. */
export async function startHogMosquitto(workshop: Workshop): Promise<HogBroker | undefined> {
  const path = findTool('mosquitto', ROOT)
  if (path === undefined) return undefined
  const port = await findPort()
  const file = join(workshop.folder, 'mosquitto.conf')
  // As root it would change to a user that only its installed package makes.
  writeFileSync(file, [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'user root', ''].join('\n'))
  const child = workshop.startServer(path, ['-c', file])
  let hasEnded = false
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => {
      hasEnded = true
      resolve()
    })
  })
  child.stderr.resume()
  child.stdout.resume()
  let isListening = false
  await until(() => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket
      .on('error', () => undefined)
      .on('connect', () => {
        isListening = true
        socket.destroy()
      })
    return isListening
  }, START_DEADLINE_MS)
  return {
    name: 'mosquitto',
    port,
    httpUrl: undefined,
    pid: child.pid ?? 0,
    scrape: () => Promise.resolve(undefined),
    get hasEnded() {
      return hasEnded
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The most memory a process has had so far, in bytes; 0 where the system does not tell. */
export function peakMemoryBytes(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

async function scrape(httpUrl: string): Promise<Metrics | undefined> {
  try {
    const response = await fetch(`${httpUrl}/metrics`, { signal: AbortSignal.timeout(START_DEADLINE_MS) })
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return new Map(
      lines.map((line) => {
        const space = line.lastIndexOf(' ')
        return [line.slice(0, space), Number(line.slice(space + 1))]
      }),
    )
  } catch {
    return undefined
  }
}
