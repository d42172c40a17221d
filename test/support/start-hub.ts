import { onTestFinished } from 'vitest'
import type { Gate } from '../../src/auth/gate.ts'
import { Hub, type HubOptions } from '../../src/hub.ts'
import type { Log, LogFields } from '../../src/base/log.ts'
import { Collected } from './guard.ts'
import { watchLeftovers } from './leftovers.ts'

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
}

export interface HttpTestHub extends TestHub {
  /** HTTP, and MQTT over WebSocket at `/mqtt`. */
  readonly httpPort: number
}

type TestHubOptions = Omit<HubOptions, 'log'> & {
  /** Who may do what; default: there are no users. */
  readonly gate?: Gate | undefined
}

/**
 * Starts a hub on a free port of 127.0.0.1, without HTTP, which takes several times as long to start. When the test ends it
 * is stopped, and the test fails if a socket or a timer is left: clients that the test opened by itself have to be closed by
 * then.
 */
export async function startHub(options: TestHubOptions = {}): Promise<TestHub> {
  return start({ ...options, config: { http: false, ...options.config } })
}

/** As `startHub`, with HTTP on a free port of its own. */
export async function startHubWithHttp(options: TestHubOptions = {}): Promise<HttpTestHub> {
  const place = options.config?.listeners === undefined ? { httpPort: 0 } : {}
  const started = await start({ ...options, config: { ...place, ...options.config } })
  const { http } = started.hub.addresses
  if (http === undefined) throw new Error('HTTP is switched off: start the hub with startHub')
  return { ...started, httpPort: http.port }
}

/** A table of topics as small as can be: that of a hub is so large that the collector would run for every few of them. */
const SMALL_TABLE = { maxTopics: 1000, maxTopicMemoryBytes: 1024 ** 2 }

async function start({ gate, ...options }: TestHubOptions): Promise<TestHub> {
  const leftovers = watchLeftovers()
  const log = new CollectingLog()
  const limits = { ...SMALL_TABLE, ...options.config?.limits }
  const place = options.config?.listeners === undefined ? { port: 0 } : {}
  const config = { host: '127.0.0.1', ...place, data: 'memory', ...options.config, limits }
  const hub = await Hub.start({ ...options, log, config }, gate)
  onTestFinished(async () => {
    await hub.stop()
    await leftovers.untilGone()
  })
  return { hub, log, port: hub.addresses.mqtt.port }
}
