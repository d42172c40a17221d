import { onTestFinished } from 'vitest'
import { createHub, type Hub, type HubOptions } from '../../src/hub.ts'
import type { Log, LogFields } from '../../src/observe/log.ts'
import { Collected, until } from './guard.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: LogFields
  readonly text: string
}

/** A log that keeps its lines. */
export class CollectingLog implements Log {
  readonly lines = new Collected<LogLine>('log lines')

  debug(fields: LogFields, text: string): void {
    this.lines.push({ level: 'debug', fields, text })
  }

  info(fields: LogFields, text: string): void {
    this.lines.push({ level: 'info', fields, text })
  }

  warn(fields: LogFields, text: string): void {
    this.lines.push({ level: 'warn', fields, text })
  }

  error(fields: LogFields, text: string): void {
    this.lines.push({ level: 'error', fields, text })
  }
}

export interface TestHub {
  readonly hub: Hub
  readonly log: CollectingLog
  /** MQTT over TCP. */
  readonly port: number
  /** HTTP, and MQTT over WebSocket at `/mqtt`. */
  readonly httpPort: number
}

/**
 * Starts a hub on free ports of 127.0.0.1. When the test ends it is stopped, and the test fails if a socket or a timer is
 * left: clients that the test opened by itself have to be closed by then.
 */
export async function startHub(options: Omit<HubOptions, 'log'> = {}): Promise<TestHub> {
  const before = countResources()
  const log = new CollectingLog()
  const hub = await createHub({
    ...options,
    log,
    config: { host: '127.0.0.1', port: 0, httpPort: 0, ...options.config },
  })
  onTestFinished(async () => {
    await hub.stop()
    await until(
      () => listLeft(before).length === 0,
      () => `the hub to leave nothing open, but there is: ${listLeft(before).join(', ')}`,
    )
  })
  const { mqtt, http } = hub.addresses
  return { hub, log, port: mqtt.port, httpPort: http.port }
}

/** What a hub or a client could leave behind; the test runner's own pipes and ports come and go. */
const WATCHED: ReadonlySet<string> = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'Timeout'])

function countResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (WATCHED.has(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

function listLeft(before: ReadonlyMap<string, number>): string[] {
  return [...countResources()].flatMap(([name, count]) => {
    const left = count - (before.get(name) ?? 0)
    return left > 0 ? [`${left} ${name}`] : []
  })
}
