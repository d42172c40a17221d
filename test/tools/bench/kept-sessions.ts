// What the broker keeps for clients that are away: how fast it takes it in, and how fast it gives it back.
/* oxlint-disable no-await-in-loop -- sessions open one after another, and a wait is a loop */
import { setTimeout as sleep } from 'node:timers/promises'
import { OrderedArrivals } from './arrivals.ts'
import { BytesWritten } from './bytes-written.ts'
import { Client, closedFaults } from './client.ts'
import { Feed } from './feed.ts'
import type { Backlog, DrainTask, Job, Measurement, OfflineTask } from './job.ts'
import { KEPT_SESSION } from './packets.ts'
import { ProcessorUse, residentBytes } from './process-usage.ts'
import { Receiver } from './receiver.ts'
import { StallWatch, sum } from './stall-watch.ts'

const topic = 'bench/kept'
const pollMs = 5
const graceMs = 20
/** Clients that come back at the same time to be counted. */
const returning = 10
/** No more than this share of the messages goes into the warm-up. */
const warmUpShare = 0.2
const warmUpMessages = 20_000
const maxDrains = 5

/** The value is PUBACKs × sessions a second; all of it is counted afterwards, in every session. */
export async function measureOffline(task: OfflineTask, job: Job): Promise<Measurement> {
  const { port, brokerPid, warmUpSeconds, seconds } = job
  for (let i = 0; i < task.sessions; i++) await leaveSession(port, `s${i}`)
  const feed = await Feed.connect(port, task.publishers, { ...task, topics: [topic], qos: 1 })
  feed.sendUpTo(task.maxMessages)
  await feed.untilAcknowledged(task.maxMessages * warmUpShare, warmUpSeconds * 1000)
  const use = new ProcessorUse(brokerPid)
  const writing = new BytesWritten(brokerPid)
  const before = feed.acknowledgedMessages()
  await feed.untilAcknowledged(task.maxMessages, seconds * 1000)
  const counted = (feed.acknowledgedMessages() - before) * task.sessions
  const used = use.end()
  const written = writing.perMessage(counted)
  await feed.stop()
  const acknowledged = feed.acknowledgedMessages()
  const expected = acknowledged * task.sessions
  const residentMiB = residentBytes(brokerPid) / 2 ** 20
  const saved = await writing.savedPerMessage(job, expected)

  const drained = await Promise.all(
    Array.from({ length: returning }, async (_, worker) => {
      const visits: Visit[] = []
      for (let i = worker; i < task.sessions; i += returning) {
        visits.push(await visitSession(port, `s${i}`, task, acknowledged))
      }
      return visits
    }),
  )
  const visits = drained.flat()
  const delivered = sum(visits, ({ receiver }) => receiver.deliveredMessages)
  return {
    value: counted / used.elapsedSeconds,
    lost: Math.max(0, expected - delivered),
    faults: [...feed.faults(), ...visitFaults(visits, expected)],
    detail: { expected, delivered, residentMiB, ...used, ...written, ...saved },
  }
}

/** The value is messages a second, from CONNECT until the last of the queue is here, each acknowledged as it comes. */
export async function measureDrain(task: DrainTask, job: Job): Promise<Measurement> {
  const { port, brokerPid, seconds } = job
  await leaveSession(port, 's0')
  const feed = await Feed.connect(port, task.publishers, { ...task, topics: [topic], qos: 1 })
  const visits: Visit[] = []
  let queued = 0
  const fill = async (messages: number): Promise<void> => {
    queued += messages
    feed.sendUpTo(queued)
    await feed.untilAcknowledged(queued, Infinity)
  }
  await fill(warmUpMessages)
  const saved = await new BytesWritten(brokerPid).savedPerMessage(job, warmUpMessages)
  visits.push(await visitSession(port, 's0', task, warmUpMessages))

  const use = new ProcessorUse(brokerPid)
  const writing = new BytesWritten(brokerPid)
  let drained = 0
  let drainSeconds = 0
  for (let round = 0; round < maxDrains && drainSeconds < seconds && !feed.isStalled; round++) {
    await fill(task.messages)
    const visit = await visitSession(port, 's0', task, task.messages)
    visits.push(visit)
    drained += task.messages
    drainSeconds += visit.seconds
  }
  const used = use.end()
  const written = writing.perMessage(drained)
  await feed.stop()
  const delivered = sum(visits, ({ receiver }) => receiver.deliveredMessages)
  return {
    value: drained / drainSeconds,
    lost: Math.max(0, queued - delivered),
    faults: [...feed.faults(), ...visitFaults(visits, queued)],
    detail: { expected: queued, delivered, drainSeconds, ...used, ...written, ...saved },
  }
}

/** Makes a kept session that subscribes to the topic, and goes away. */
async function leaveSession(port: number, clientId: string): Promise<void> {
  const client = await Client.open(port, clientId, KEPT_SESSION)
  await client.subscribe(topic, 1)
  await client.close()
}

/** What came while a client was back. */
interface Visit {
  receiver: Receiver
  /** From CONNECT to the last message that was due; NaN when it did not come. */
  seconds: number
  isForgotten: boolean
  isStalled: boolean
}

/** Comes back to a session, takes what is due and goes away again. */
async function visitSession(port: number, clientId: string, load: Backlog, dueMessages: number): Promise<Visit> {
  const startedAtMs = performance.now()
  let lastAtMs = Number.NaN
  const client = Client.connecting(port, KEPT_SESSION)
  const receiver = new Receiver(client, load, new OrderedArrivals(load.publishers), () => {
    if (receiver.deliveredMessages === dueMessages) lastAtMs = performance.now()
  })
  const hadSession = await client.resume(clientId)
  const stall = new StallWatch(() => receiver.deliveredMessages)
  while (receiver.deliveredMessages < dueMessages && stall.isMoving()) await sleep(pollMs)
  // What is too much would come now.
  await sleep(graceMs)
  await client.close()
  const isStalled = stall.isStalled
  return { receiver, seconds: (lastAtMs - startedAtMs) / 1000, isForgotten: !hadSession, isStalled }
}

function visitFaults(visits: readonly Visit[], expected: number): string[] {
  const delivered = sum(visits, ({ receiver }) => receiver.deliveredMessages)
  const counts: [string, number][] = [
    ['TOO MANY', Math.max(0, delivered - expected)],
    ['LATE OR TWICE', sum(visits, ({ receiver }) => receiver.lateMessages)],
    ['DAMAGED', sum(visits, ({ receiver }) => receiver.damaged)],
    ['SESSIONS FORGOTTEN', sum(visits, ({ isForgotten }) => Number(isForgotten))],
    ['SESSIONS STALLED', sum(visits, ({ isStalled }) => Number(isStalled))],
  ]
  const faults = counts.filter(([, count]) => count !== 0).map(([words, count]) => `${words} ${count}`)
  return [...faults, ...closedFaults()]
}
