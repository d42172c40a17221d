// What the bench asks of a generator process, and what that process answers; both travel as JSON.
import type { QoS } from './packets.ts'

interface Load {
  publishers: number
  subscribers: number
  /** Topics that each publisher takes in turn. */
  topicsEach: number
  qos: QoS
  payloadBytes: number
}

/** Publishers keep `windowMessages` each on their way, no more, and send as fast as deliveries come back. */
export interface ThroughputTask extends Load {
  kind: 'throughput'
  windowMessages: number
}

/** Publishers send at a fixed schedule whatever comes back. */
export interface LatencyTask extends Load {
  kind: 'latency'
  offeredPerSecond: number
}

export interface IdleTask {
  kind: 'idle'
  connections: number
}

export interface ConnectTask {
  kind: 'connect'
  concurrency: number
}

export interface RetainedTask {
  kind: 'retained'
  retainedMessages: number
  subscribes: number
  payloadBytes: number
}

export type Task = ThroughputTask | LatencyTask | IdleTask | ConnectTask | RetainedTask

export interface Job {
  task: Task
  port: number
  /** Whose memory and processor time are read from /proc. */
  brokerPid: number
  warmUpSeconds: number
  seconds: number
}

/** One run of one row against one target. */
export interface Measurement {
  /** In the row's unit; NaN when there is nothing to tell. */
  value: number
  /** Messages that were due and never came, or handshakes that never ended. */
  lost: number
  /** Anything else that makes the value doubtful, in words. */
  faults: string[]
  /** Further figures, for the JSON file. */
  detail: Record<string, number>
}
