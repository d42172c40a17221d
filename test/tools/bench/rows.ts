// The rows of the table: what is measured and what is required.
import type { Task, ThroughputTask } from './job.ts'
import type { QoS } from './packets.ts'
import type { Startable } from './targets.ts'

/** What a row must reach: a bound, or a comparison with Mosquitto or with its own baseline in the same run. */
export type Requirement =
  | { kind: 'none' }
  | { kind: 'timesMosquitto'; atLeast: number }
  | { kind: 'notAboveMosquitto' }
  | { kind: 'timesBaseline'; atLeast: number }
  | { kind: 'atLeast'; bound: number }
  | { kind: 'atMost'; bound: number }

/** Processor time in µs, or so many times that of the bare relay. */
export type CostAim = { kind: 'atMost'; microseconds: number } | { kind: 'timesRelay'; atMost: number }

export type Unit = 'msg/s' | 'ms' | 'B' | 'conn/s' | 'sub/s'

export interface Row {
  name: string
  unit: Unit
  task: Task
  /** Measured in turn with `task`, to tell how many times its figure the row reaches: the same at MQTT 3.1.1. */
  baseline?: Task
  requirement: Requirement
  /** What the hub's processor time for each message or connection should come down to. */
  costAim?: CostAim
  /** Whether it is measured only when it is asked for, and the hub and Mosquitto alone take part. */
  isField?: boolean
  /** Whether all of it goes over TLS; the hub and Mosquitto alone take part. */
  isTls?: boolean
  /** Whether what is acknowledged is to be on disk. */
  isOnDisk: boolean
  /** What the generator alone reaches against the sink server is shown beside it. */
  hasCeiling: boolean
  /** For a row that sends too little to warm a runtime up in the usual time. */
  leastWarmUpSeconds?: number
  /** From how much of a core used by other programs on the row's figure says more about them. */
  disturbedFromShare: number
  /** How long the row may take on top of warm-up and measured time before it counts as stalled. */
  allowanceSeconds: number
}

// The most that may be on its way to one subscriber, in the frames of a row. Half of the hub's default bound for output
// that a client has not taken (design.md, 7), so that nobody drops QoS 0; Mosquitto has no such bound as configured.
const outstandingBytes = 512 * 1024
const frameOverheadBytes = 16
// What one publisher may have on its way. QoS 1 and 2: what the hub allows in flight (design.md, 7).
const maxWindow: Record<QoS, number> = { 0: 256, 1: 100, 2: 100 }

/**
 * Whether a target can do what a row asks for: bare Aedes has no disk, NATS no QoS 2, and neither of them MQTT 5. A hub that
 * served before has no first reading of its memory, and is asked for nothing that stays behind in it; the limit does
 * only what it is there to bound.
 */
export function takesPart({ task, isOnDisk, isField, isTls }: Row, name: Startable): boolean {
  if (isField === true || isTls === true) return name === 'hub' || name === 'mosquitto'
  const isMqtt5 = task.kind === 'throughput' && task.version === 5
  const isRetained = 'isRetained' in task && task.isRetained
  const leavesNothing =
    ['throughput', 'latency', 'connect', 'subscribe'].includes(task.kind) && !isOnDisk && !isRetained
  if (name === 'aged') return leavesNothing
  if (name === 'limit') {
    return leavesNothing && !isMqtt5 && !('isShared' in task && task.isShared) && !('qos' in task && task.qos === 2)
  }
  if (name === 'aedes') return !(isOnDisk || isMqtt5)
  // NATS was not done with 100,000 subscriptions of a client after a minute.
  if (name === 'nats') return !(isOnDisk || isMqtt5 || task.kind === 'subscribe' || ('qos' in task && task.qos === 2))
  return true
}

/** Messages that each publisher of a row keeps on their way: the same for every target. */
export function windowMessages(publishersPerSubscriber: number, payloadBytes: number, qos: QoS): number {
  const bound = Math.floor(outstandingBytes / (publishersPerSubscriber * (payloadBytes + frameOverheadBytes)))
  return Math.max(1, Math.min(maxWindow[qos], bound))
}

const throughput: [qos: QoS, publishers: number, subscribers: number, atLeast: number][] = [
  [0, 10, 10, 14],
  [0, 100, 100, 8],
  [0, 1, 100, 20],
  [0, 100, 1, 10],
  [1, 10, 10, 10],
  [2, 10, 10, 10],
]

const payloadSizes: [payloadBytes: number, words: string][] = [
  [64, '64 B'],
  [1024, '1 KiB'],
]

// As a camera's pictures are.
const largePayloads: [payloadBytes: number, words: string, costAimMicroseconds: number][] = [
  [16_384, '16 KiB', 10],
  [262_144, '256 KiB', 200],
]

// What is offered, whether or not the server keeps up: at these rates every message may cost a turn of its own.
const offered: [offeredPerSecond: number, qos: QoS][] = [
  [1000, 0],
  [5000, 0],
  [20_000, 0],
  [5000, 1],
]

// Messages of one topic that lie behind each other are the best case of a broker that treats them together. In these
// rows, of which nothing is required, no message has the topic of the one before it.
const manyTopics = 100

// As of many devices that say something now and then: one subscriber has them all.
const randomTopics: [topics: number, costAimMicroseconds: number][] = [
  [10_000, 1],
  [100_000, 1.8],
  [1_000_000, 2.5],
]

// As of devices that keep their state where others find it: each message takes the place of one that is retained.
const retainedTopics = 100_000

// Several publishers are best for both: one alone is bound by its window, behind which the hub waits for its disk and
// Mosquitto for the delayed acknowledgement of a PUBACK (220,000 a second in place of 2,400,000).
const backlogPublishers = 10
// So many in each of 100 queues take a broker up to 2 GB.
const maxBacklogMessages = 200_000

// What the hub's processor time for a message of these rows should come down to, in µs.
const costAimsMicroseconds = new Map([
  ['QoS 0, 10 → 10, 1 KiB', 1],
  ['QoS 0, 10 → 10, 100 topics each, 64 B', 0.45],
])

// A device's client has few messages on their way; the window of the other rows is what the hub allows at most.
const fewInFlight = 20

type ThroughputLoad = Pick<ThroughputTask, 'publishers' | 'subscribers' | 'qos' | 'payloadBytes'> &
  Partial<ThroughputTask>

/** Of clean sessions at MQTT 3.1.1, if `load` does not say otherwise. */
function throughputTask(load: ThroughputLoad): ThroughputTask {
  const publishersPerSubscriber = load.subscribers === 1 ? load.publishers : 1
  return {
    kind: 'throughput',
    topicsEach: 1,
    version: 4,
    userProperties: 0,
    isShared: false,
    isKept: false,
    windowMessages: windowMessages(publishersPerSubscriber, load.payloadBytes, load.qos),
    ...load,
  }
}

type RowAim = Pick<Row, 'requirement' | 'baseline' | 'costAim'>

const noAim = { requirement: { kind: 'none' } } as const

function costAtMost(microseconds: number): Pick<Row, 'costAim'> {
  return { costAim: { kind: 'atMost', microseconds } }
}

/** With kept sessions it is a row on disk. */
export function throughputRow(name: string, load: ThroughputLoad, aim: RowAim = noAim): Row {
  const microseconds = costAimsMicroseconds.get(name)
  return {
    name,
    unit: 'msg/s',
    task: throughputTask(load),
    ...(microseconds === undefined ? undefined : costAtMost(microseconds)),
    ...aim,
    isOnDisk: load.isKept === true,
    hasCeiling: true,
    disturbedFromShare: 0.2,
    allowanceSeconds: 30,
  }
}

function timesMosquitto(atLeast: number): Pick<Row, 'requirement'> {
  return { requirement: { kind: 'timesMosquitto', atLeast } }
}

function latencyRow(offeredPerSecond: number, qos: QoS): Row {
  return {
    name: `p99 latency at ${offeredPerSecond.toLocaleString('en')} msg/s, QoS ${qos}`,
    unit: 'ms',
    task: {
      kind: 'latency',
      publishers: 10,
      subscribers: 10,
      topicsEach: 1,
      qos,
      payloadBytes: 64,
      offeredPerSecond,
    },
    requirement: { kind: 'notAboveMosquitto' },
    ...(qos === 0 ? { costAim: { kind: 'timesRelay', atMost: 1.2 } } : undefined),
    isOnDisk: false,
    hasCeiling: true,
    leastWarmUpSeconds: 3,
    // One in a hundred is looked at: a fiftieth of a core elsewhere may be all of it.
    disturbedFromShare: 0.02,
    allowanceSeconds: 30,
  }
}

/** All rows; `idleConnections` is bounded by the files that a process may open. */
export function allRows(idleConnections: number): Row[] {
  const throughputRows = payloadSizes.flatMap(([payloadBytes, words]) =>
    throughput.map(([qos, publishers, subscribers, atLeast]) => {
      const name = `QoS ${qos}, ${publishers} → ${subscribers}, ${words}`
      return throughputRow(name, { publishers, subscribers, qos, payloadBytes }, timesMosquitto(atLeast))
    }),
  )
  const largeRows = largePayloads.map(([payloadBytes, words, microseconds]) =>
    throughputRow(
      `QoS 0, 10 → 10, ${words}`,
      { publishers: 10, subscribers: 10, qos: 0, payloadBytes },
      { ...noAim, ...costAtMost(microseconds) },
    ),
  )
  const manyTopicsRows = ([0, 1] as const).map((qos) =>
    throughputRow(`QoS ${qos}, 10 → 10, ${manyTopics} topics each, 64 B`, {
      publishers: 10,
      subscribers: 10,
      topicsEach: manyTopics,
      qos,
      payloadBytes: 64,
    }),
  )
  const randomTopicsRows = randomTopics.map(([topics, microseconds]) =>
    throughputRow(
      `QoS 0, 10 → 1, ${topics.toLocaleString('en')} topics at random, 64 B`,
      { publishers: 10, subscribers: 1, topicsEach: 1, randomTopics: topics, qos: 0, payloadBytes: 64 },
      { ...noAim, ...costAtMost(microseconds) },
    ),
  )
  const load = { publishers: 10, subscribers: 1, topicsEach: 1, payloadBytes: 64 }
  return [
    ...throughputRows,
    ...largeRows,
    ...manyTopicsRows,
    ...randomTopicsRows,
    throughputRow(
      `QoS 1, 10 → 1, 10,000 topics at random, ${fewInFlight} in flight, 64 B`,
      { ...load, randomTopics: 10_000, qos: 1, windowMessages: fewInFlight },
      { ...noAim, ...costAtMost(3.5) },
    ),
    throughputRow(
      `QoS 1, 10 → 1, ${retainedTopics.toLocaleString('en')} retained topics at random, 64 B`,
      { ...load, randomTopics: retainedTopics, isRetained: true, qos: 1 },
      { ...noAim, ...costAtMost(7) },
    ),
    ...mqtt5Rows(),
    ...offered.map(([offeredPerSecond, qos]) => latencyRow(offeredPerSecond, qos)),
    {
      name: `memory of each of ${idleConnections.toLocaleString('en')} idle connections`,
      unit: 'B',
      task: { kind: 'idle', connections: idleConnections },
      requirement: { kind: 'atMost', bound: 12_000 },
      isOnDisk: false,
      hasCeiling: false,
      disturbedFromShare: 0.2,
      allowanceSeconds: 120,
    },
    connectRow('CONNECT + SUBSCRIBE, 50 at a time', false, 180, { kind: 'atLeast', bound: 3000 }),
    {
      name: 'a subscription more of one client, 20 in a SUBSCRIBE',
      unit: 'sub/s',
      task: { kind: 'subscribe', filters: 100_000 },
      requirement: { kind: 'none' },
      ...costAtMost(8),
      isOnDisk: false,
      hasCeiling: false,
      disturbedFromShare: 0.2,
      allowanceSeconds: 60,
    },
    {
      name: 'p99 of SUBSCRIBE with 100,000 retained',
      unit: 'ms',
      task: { kind: 'retained', retainedMessages: 100_000, subscribes: 200, payloadBytes: 64 },
      requirement: { kind: 'atMost', bound: 1 },
      isOnDisk: false,
      hasCeiling: false,
      disturbedFromShare: 0.1,
      allowanceSeconds: 120,
    },
    ...keptSessionRows(),
    ...tlsRows(idleConnections),
  ]
}

/** Over TLS 1.3, with the certificates that `hubbub cert` makes. */
function tlsRows(idleConnections: number): Row[] {
  const common = { isTls: true, isOnDisk: false, hasCeiling: false, disturbedFromShare: 0.2 } as const
  const overTls = (row: Row): Row => ({ ...row, ...common })
  const messages = payloadSizes.flatMap(([payloadBytes, words]) =>
    ([0, 1] as const).map((qos) =>
      overTls(
        throughputRow(
          `QoS ${qos} over TLS, 10 → 10, ${words}`,
          { publishers: 10, subscribers: 10, qos, payloadBytes },
          timesMosquitto(payloadBytes === 64 ? 10 : 1.5),
        ),
      ),
    ),
  )
  const connections = Math.min(10_000, idleConnections)
  return [
    ...messages,
    overTls(
      connectRow('over TLS, CONNECT + SUBSCRIBE, 50 at a time', false, 1500, { kind: 'timesMosquitto', atLeast: 0.5 }),
    ),
    {
      ...common,
      name: `over TLS, memory of each of ${connections.toLocaleString('en')} idle connections`,
      unit: 'B',
      task: { kind: 'idle', connections },
      requirement: { kind: 'atMost', bound: 40_000 },
      allowanceSeconds: 240,
    },
    {
      ...common,
      name: 'over TLS, p99 latency of a quiet pair while 600 handshakes come at once',
      unit: 'ms',
      task: { kind: 'burst', handshakes: 600, messagesPerSecond: 200 },
      requirement: { kind: 'atMost', bound: 20 },
      allowanceSeconds: 60,
    },
  ]
}

/** Clients that come, subscribe and go; kept sessions are on disk. */
function connectRow(name: string, isKept: boolean, costMicroseconds: number, requirement: Requirement): Row {
  return {
    name,
    unit: 'conn/s',
    task: { kind: 'connect', concurrency: 50, isKept },
    requirement,
    ...costAtMost(costMicroseconds),
    isOnDisk: isKept,
    hasCeiling: true,
    disturbedFromShare: 0.2,
    allowanceSeconds: 30,
  }
}

/** MQTT 5: without properties beside the same at 3.1.1; with user properties; and a shared subscription. */
function mqtt5Rows(): Row[] {
  const loads: [qos: QoS, publishers: number, subscribers: number][] = [
    [0, 10, 10],
    [0, 1, 100],
    [1, 10, 10],
    [2, 10, 10],
  ]
  const plain = loads.map(([qos, publishers, subscribers]) => {
    const load = { publishers, subscribers, qos, payloadBytes: 64 }
    const name = `MQTT 5, QoS ${qos}, ${publishers} → ${subscribers}, 64 B`
    const requirement = { kind: 'timesBaseline', atLeast: 0.9 } as const
    return throughputRow(name, { ...load, version: 5 }, { requirement, baseline: throughputTask(load) })
  })
  const further = ([0, 1] as const).map((qos) => ({ version: 5, qos, payloadBytes: 64 }) as const)
  return [
    ...plain,
    ...further.map((load) =>
      throughputRow(`MQTT 5, QoS ${load.qos}, 10 → 10, 2 user properties, 64 B`, {
        ...load,
        publishers: 10,
        subscribers: 10,
        userProperties: 2,
      }),
    ),
    ...further.map((load) =>
      throughputRow(`MQTT 5, QoS ${load.qos}, 5 → shared subscription of 5, 64 B`, {
        ...load,
        publishers: 5,
        subscribers: 5,
        isShared: true,
      }),
    ),
  ]
}

/**
 * Sessions that are kept, on disk: the hub with its store as it is by default, Mosquitto with `persistence true`. The
 * promise is not the same: the hub acknowledges what its store has committed, Mosquitto saves every 30 minutes and at its end.
 */
function keptSessionRows(): Row[] {
  const online = payloadSizes.map(([payloadBytes, words]) =>
    throughputRow(
      `QoS 1, 10 → 10 kept sessions, ${words}, on disk`,
      { publishers: 10, subscribers: 10, qos: 1, payloadBytes, isKept: true },
      payloadBytes === 64 ? timesMosquitto(3) : noAim,
    ),
  )
  const common = {
    unit: 'msg/s',
    ...timesMosquitto(3),
    isOnDisk: true,
    hasCeiling: true,
    // The kernel's own work for the disk is counted as that of others.
    disturbedFromShare: 0.3,
    allowanceSeconds: 300,
  } as const
  const load = { publishers: backlogPublishers, payloadBytes: 64, windowMessages: maxWindow[1] }
  return [
    ...online,
    throughputRow(
      `QoS 1, 10 → 10 kept sessions, ${fewInFlight} in flight, 64 B, on disk`,
      { publishers: 10, subscribers: 10, qos: 1, payloadBytes: 64, isKept: true, windowMessages: fewInFlight },
      { ...noAim, ...costAtMost(5) },
    ),
    connectRow('CONNECT + SUBSCRIBE of kept sessions, 50 at a time, on disk', true, 300, { kind: 'none' }),
    {
      ...common,
      name: `QoS 1, ${backlogPublishers} → 100 kept sessions that are away, 64 B, on disk`,
      task: { kind: 'offline', ...load, sessions: 100, maxMessages: maxBacklogMessages },
    },
    {
      ...common,
      name: '100,000 queued messages to one client that is back, 64 B, on disk',
      task: { kind: 'drain', ...load, messages: 100_000 },
    },
  ]
}
