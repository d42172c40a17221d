// What the bench asks of a generator process, and what that process answers; both travel as JSON.
import type { QoS, Version } from './packets.ts'

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
  version: Version
  /** In each message; MQTT 5 only. */
  userProperties: number
  /** Whether the subscribers are the members of one shared subscription. */
  isShared: boolean
  /** Each message goes to one of so many topics, drawn at random, and all to one subscriber; in place of `topicsEach`. */
  randomTopics?: number
  /** Whether that subscriber has a filter with a wildcard for each of them, in place of "#". */
  hasFilterEach?: boolean
  /** Each message is to be retained. */
  isRetained?: boolean
  /** Whether the subscribers' sessions are kept (CleanSession 0 of MQTT 3.1.1). */
  isKept: boolean
}

/** What publishers send, with QoS 1 and to one topic, for kept sessions whose clients are away. */
export interface Backlog {
  publishers: number
  payloadBytes: number
  windowMessages: number
}

/** Many sessions are away; afterwards each client comes back and all that was acknowledged is counted. */
export interface OfflineTask extends Backlog {
  kind: 'offline'
  sessions: number
  /** PUBLISH packets, of all publishers together: what is queued takes memory. */
  maxMessages: number
}

/** One client comes back to its queue, again and again; the queue is filled each time it is away. */
export interface DrainTask extends Backlog {
  kind: 'drain'
  messages: number
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
  /** Whether each leaves a kept session behind (CleanSession 0). */
  isKept: boolean
}

/** One client subscribes to so many filters, which nobody publishes to. */
export interface SubscribeTask {
  kind: 'subscribe'
  filters: number
}

/** What a broker retains: a message each of so many topics. */
export interface Retained {
  retainedMessages: number
  payloadBytes: number
}

export interface RetainedTask extends Retained {
  kind: 'retained'
  subscribes: number
}

/** Many connections, each of which does something once a minute: PINGREQ, or PUBLISH of QoS 0 to a topic of its own. */
export interface CrowdTask {
  kind: 'crowd'
  connections: number
  does: 'ping' | 'publish'
}

/** A broker that stops with much of its state on disk, and starts again. */
export interface StartTask extends Retained {
  kind: 'start'
  sessions: number
}

/** The halves of a `StartTask` that a generator does: what is there before, and whether it is there afterwards. */
export interface FillTask extends Retained {
  kind: 'fill' | 'recall'
  sessions: number
}

/** A pair of clients speaks at a quiet pace while many others begin TLS at once. */
export interface BurstTask {
  kind: 'burst'
  handshakes: number
  messagesPerSecond: number
}

export type Task =
  | BurstTask
  | ThroughputTask
  | OfflineTask
  | DrainTask
  | LatencyTask
  | IdleTask
  | ConnectTask
  | SubscribeTask
  | RetainedTask
  | CrowdTask
  | StartTask
  | FillTask

export interface Job {
  task: Task
  port: number
  /** Whose memory and processor time are read from /proc. */
  brokerPid: number
  /** The port speaks TLS. */
  isTls?: true
  /** For a broker that writes only now and then: the signal that makes it save all it has. */
  saveSignal?: 'SIGUSR1'
  /** For a hub: where it says what its collector took, as `collector.ts` has it. */
  collectorFile?: string
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
