import { randomBytes, randomInt } from 'node:crypto'
import { connectPacket, publishPacket, subscribePacket } from '../../support/packets.ts'
import { Id } from '../../support/properties.ts'
import { HogConnection } from './hog-connection.ts'
import { askFlatOut } from './http-hog.ts'

/** What a process that runs one hog is given. */
export interface HogJob {
  readonly hog: HogName
  readonly port: number
  /** Of the hub. */
  readonly httpUrl: string
  /** What it would take in all: topics, messages, clients. Hogs that write flat out take no notice. */
  readonly amount: number
  readonly seconds: number
}

/** What came of it. */
export interface HogReport {
  /** What the broker took, as far as it says. */
  done: number
  refused: number
  /** Connections that the broker ended or did not let in. */
  ended: number
  /** Requests over HTTP that got no answer, or one of 500 and more. */
  broken: number
}

export type Hog = (job: HogJob, report: HogReport) => Promise<void>

const PAYLOAD = randomBytes(64)
const KIB_PAYLOAD = randomBytes(1024)
const LARGE_PAYLOAD = randomBytes(256 * 1024)
/** Packets written at once. */
const AT_ONCE = 200
const WINDOW = 1000
const MAX_PACKET_ID = 60_000
const AT_ONCE_CLIENTS = 50
const FILTERS_EACH = 1000
const ALIASES_EACH = 100
const QUEUES = 30

/** One client after another takes something that the broker has to hold, or all of its time. */
export const HOGS = {
  'topics used once': publishing(0, false, (i) => `hog/${i}`, PAYLOAD),
  'retained, QoS 0': publishing(0, true, (i) => `hog/${i}`, PAYLOAD),
  'retained, QoS 1': publishing(1, true, (i) => `hog/${i}`, PAYLOAD),
  'one topic flat out': flatOut(0, () => 'hog', PAYLOAD),
  '10,000 random topics': flatOut(0, () => `hog/${randomInt(10_000)}`, PAYLOAD),
  'QoS 1 flat out': flatOut(1, () => 'hog', PAYLOAD),
  'queues of clients away': queues,
  'outputs nobody reads': outputs,
  'half packets': halfPackets,
  connections,
  subscriptions,
  'kept sessions': keptSessions,
  'topic aliases': aliases,
  'large payloads': flatOut(0, (i) => `hog/${i % 50}`, LARGE_PAYLOAD),
  'large payloads, QoS 1': flatOut(1, (i) => `hog/${i % 50}`, LARGE_PAYLOAD),
  'HTTP queries': askOverHttp,
} as const satisfies Readonly<Record<string, Hog>>

export type HogName = keyof typeof HOGS

async function askOverHttp(job: HogJob, report: HogReport): Promise<void> {
  const connection = await open(job.port, 'hog', report)
  if (connection !== undefined) await askFlatOut(job, connection, report)
}

/** Publishes `amount` messages, the i-th to `topicOf(i)`. */
function publishing(qos: 0 | 1, retain: boolean, topicOf: (i: number) => string, payload: Buffer): Hog {
  return async ({ port, amount, seconds }, report) => {
    const deadlineMs = performance.now() + seconds * 1000
    await publish(
      { port, qos, retain, topicOf, payload, isOver: (i) => i >= amount || performance.now() > deadlineMs },
      report,
    )
  }
}

/** The same for as long as there is time. */
function flatOut(qos: 0 | 1, topicOf: (i: number) => string, payload: Buffer): Hog {
  return async ({ port, seconds }, report) => {
    const endMs = performance.now() + seconds * 1000
    await publish({ port, qos, retain: false, topicOf, payload, isOver: () => performance.now() > endMs }, report)
  }
}

interface Publishing {
  readonly port: number
  readonly qos: 0 | 1
  readonly retain: boolean
  readonly topicOf: (i: number) => string
  readonly payload: Buffer
  readonly isOver: (i: number) => boolean
}

async function publish({ port, qos, retain, topicOf, payload, isOver }: Publishing, report: HogReport): Promise<void> {
  const connection = await open(port, 'hog', report)
  if (connection === undefined) return
  const atOnce = payload.length > 10_000 ? 1 : AT_ONCE
  const window = payload.length > 10_000 ? 20 : WINDOW
  let sent = 0
  const earlier = { ...report }
  while (!isOver(sent) && !connection.isClosed) {
    const packets = Array.from({ length: atOnce }, () => {
      const packetId = (sent % MAX_PACKET_ID) + 1
      return publishPacket({ topic: topicOf(sent++), payload, qos, retain, packetId, properties: [] })
    })
    await connection.write(Buffer.concat(packets))
    if (qos > 0) await connection.untilAnswered(sent - window)
    report.done = earlier.done + (qos > 0 ? connection.accepted : sent)
    report.refused = earlier.refused + connection.refused
  }
  if (qos > 0) await connection.untilAnswered(sent)
  report.done = earlier.done + (qos > 0 ? connection.accepted : sent)
  report.refused = earlier.refused + connection.refused
  if (connection.isClosed) report.ended++
}

/** Clients with kept sessions subscribe and go; then 1 KiB a message is published at QoS 1 to each of them in turn. */
async function queues({ port, amount, seconds }: HogJob, report: HogReport): Promise<void> {
  for (let i = 0; i < QUEUES; i++) {
    const connection = await open(port, `away-${i}`, report, false)
    await connection?.write(subscribePacket(1, [[`hog/${i}`, 1]], []))
    await connection?.untilAnswered(1)
    connection?.end()
  }
  const deadlineMs = performance.now() + seconds * 1000
  await publish(
    {
      port,
      qos: 1,
      retain: false,
      topicOf: (i) => `hog/${i % QUEUES}`,
      payload: KIB_PAYLOAD,
      isOver: (i) => i >= amount || performance.now() > deadlineMs,
    },
    report,
  )
}

/** `amount` clients subscribe and read nothing more, while 1 KiB a message is published to all of them. */
async function outputs({ port, amount, seconds }: HogJob, report: HogReport): Promise<void> {
  for (let i = 0; i < amount; i++) {
    const connection = await open(port, `reader-${i}`, report)
    await connection?.write(subscribePacket(1, [['hog/all', 0]], []))
    await connection?.untilAnswered(1)
    connection?.freeze()
  }
  const endMs = performance.now() + seconds * 1000
  const publisher = await open(port, 'hog', report)
  const packet = publishPacket({ topic: 'hog/all', payload: KIB_PAYLOAD, properties: [] })
  if (publisher === undefined) return
  while (performance.now() < endMs && !publisher.isClosed) {
    await publisher.write(packet)
    report.done++
  }
}

/** Each of `amount` clients sends a packet of 1 MiB without its last byte. */
async function halfPackets({ port, amount }: HogJob, report: HogReport): Promise<void> {
  const whole = publishPacket({ topic: 'hog', payload: Buffer.alloc(1024 ** 2 - 100), properties: [] })
  for (let i = 0; i < amount; i++) {
    const connection = await open(port, `half-${i}`, report)
    await connection?.write(whole.subarray(0, -1))
    if (connection?.isClosed === true) report.ended++
    else if (connection !== undefined) report.done++
  }
}

async function connections(job: HogJob, report: HogReport): Promise<void> {
  await manyClients(job, async (i) => {
    const connection = await open(job.port, `client-${i}`, report)
    if (connection === undefined) return
    await connection.write(subscribePacket(1, [[`hog/${i}`, 0]], []))
    report.done++
  })
}

async function subscriptions(job: HogJob, report: HogReport): Promise<void> {
  const clients = Math.ceil(job.amount / FILTERS_EACH)
  await manyClients({ ...job, amount: clients }, async (i) => {
    const connection = await open(job.port, `subscriber-${i}`, report)
    if (connection === undefined) return
    const filters = Array.from({ length: FILTERS_EACH }, (_, k) => [`hog/${i}/+/${k}`, 0] as const)
    await connection.write(subscribePacket(1, filters, []))
    await connection.untilAnswered(FILTERS_EACH)
    report.done += connection.accepted
    report.refused += connection.refused
  })
}

async function keptSessions(job: HogJob, report: HogReport): Promise<void> {
  await manyClients(job, async (i) => {
    const connection = await open(job.port, `kept-${i}`, report, false)
    if (connection === undefined) return
    await connection.write(subscribePacket(1, [[`hog/${i}`, 1]], []))
    await connection.untilAnswered(1)
    report.done += connection.accepted
    report.refused += connection.refused
    connection.end()
  })
}

/** Clients each have the hub remember a hundred topics of 1,000 bytes. */
async function aliases(job: HogJob, report: HogReport): Promise<void> {
  await manyClients({ ...job, amount: job.amount / ALIASES_EACH }, async (i) => {
    const connection = await open(job.port, `alias-${i}`, report)
    if (connection === undefined) return
    for (let alias = 1; alias <= ALIASES_EACH; alias++) {
      const topic = `hog/${i}/${alias}/`.padEnd(1000, 'x')
      await connection.write(publishPacket({ topic, properties: [[Id.TOPIC_ALIAS, alias]] }))
    }
    if (connection.isClosed) report.ended++
    else report.done += ALIASES_EACH
  })
}

/** `amount` clients, some at a time, as long as there is time. */
async function manyClients({ amount, seconds }: HogJob, one: (i: number) => Promise<void>): Promise<void> {
  const deadlineMs = performance.now() + seconds * 1000
  for (let i = 0; i < amount && performance.now() < deadlineMs; i += AT_ONCE_CLIENTS) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE_CLIENTS, amount - i) }, (_, k) => one(i + k)))
  }
}

/** Connects with MQTT 5; undefined when it is not let in, which is counted. */
async function open(
  port: number,
  clientId: string,
  report: HogReport,
  isClean = true,
): Promise<HogConnection | undefined> {
  const connection = new HogConnection(port, true)
  const properties = isClean ? [] : [[Id.SESSION_EXPIRY, 3600] as const]
  if (await connection.admit(connectPacket({ clientId, isClean, keepAliveSeconds: 0, properties }))) return connection
  report.refused += connection.refused
  report.ended++
  return undefined
}
