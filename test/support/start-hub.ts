import { onTestFinished } from 'vitest'
import { createHub, type Hub, type HubOptions } from '../../src/hub.ts'
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
  /** HTTP, and MQTT over WebSocket at `/mqtt`. */
  readonly httpPort: number
}

/**
 * Starts a hub on free ports of 127.0.0.1. When the test ends it is stopped, and the test fails if a socket or a timer is
 * left: clients that the test opened by itself have to be closed by then.
 */
export async function startHub(options: Omit<HubOptions, 'log'> = {}): Promise<TestHub> {
  const leftovers = watchLeftovers()
  const log = new CollectingLog()
  const hub = await createHub({
    ...options,
    log,
    config: { host: '127.0.0.1', port: 0, httpPort: 0, data: 'memory', ...options.config },
  })
  onTestFinished(async () => {
    await hub.stop()
    await leftovers.untilGone()
  })
  const { mqtt, http } = hub.addresses
  return { hub, log, port: mqtt.port, httpPort: http?.port ?? 0 }
}
