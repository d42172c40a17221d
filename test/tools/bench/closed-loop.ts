// Throughput: publishers with a bounded window each, opened again by what is delivered and acknowledged.
/* oxlint-disable no-await-in-loop -- connections open one after another, and a wait is a loop */
import { setTimeout as sleep } from 'node:timers/promises'
import { OrderedArrivals, SharedArrivals } from './arrivals.ts'
import { BytesWritten } from './bytes-written.ts'
import { Client, closedFaults } from './client.ts'
import type { Job, Measurement, ThroughputTask } from './job.ts'
import { publishProperties, type Greeting } from './packets.ts'
import { ProcessorUse } from './process-usage.ts'
import { Receiver } from './receiver.ts'
import { StallWatch, sum } from './stall-watch.ts'
import { subscribeToAll } from './subscriptions.ts'
import { filtersOf, reachedOf, topicsOf } from './topology.ts'
import { FillQueue, WindowedPublisher } from './windowed-publisher.ts'

const pollMs = 20

/** Runs the load and counts deliveries a second between the end of the warm-up and the end of the time. */
export async function measureThroughput(task: ThroughputTask, job: Job): Promise<Measurement> {
  const { port, brokerPid, warmUpSeconds, seconds } = job
  const loop = await ClosedLoop.connect(task, port)
  loop.start()
  await loop.runFor(warmUpSeconds * 1000)
  const use = new ProcessorUse(brokerPid)
  const writing = new BytesWritten(brokerPid)
  const before = loop.deliveredMessages()
  await loop.runFor(seconds * 1000)
  const counted = loop.deliveredMessages() - before
  const used = use.end()
  const written = writing.perMessage(counted)
  const wasStalled = loop.stall.isStalled
  await loop.drain()

  const expected = loop.expectedMessages()
  const delivered = loop.deliveredMessages()
  const saved = task.isKept ? await writing.savedPerMessage(job, delivered) : undefined
  return {
    value: counted / used.elapsedSeconds,
    lost: Math.max(0, expected - delivered),
    faults: [...(wasStalled ? ['STALLED'] : []), ...loop.faults()],
    detail: {
      expected,
      delivered,
      leastDelivered: loop.leastDeliveredMessages(),
      ...used,
      ...(task.isKept ? { ...written, ...saved } : undefined),
    },
  }
}

function greetingOf({ version, windowMessages }: ThroughputTask, isKept: boolean): Greeting {
  return version === 5 ? { version, receiveMaximum: windowMessages } : { version, isKept }
}

class ClosedLoop {
  readonly stall = new StallWatch(() => this.#progress())
  readonly #task: ThroughputTask
  readonly #queue = new FillQueue()
  readonly #publishers: WindowedPublisher[] = []
  readonly #receivers: Receiver[] = []

  private constructor(task: ThroughputTask) {
    this.#task = task
  }

  static async connect(task: ThroughputTask, port: number): Promise<ClosedLoop> {
    const loop = new ClosedLoop(task)
    const publishers = loop.#publishers
    const delivered = (index: number): void => {
      const publisher = publishers[index]
      if (publisher !== undefined) loop.#queue.add(publisher)
    }
    const expected = { ...task, properties: publishProperties(task.version, task.userProperties) }
    const group = task.isShared ? new SharedArrivals(task.publishers, task.windowMessages) : undefined
    for (let i = 0; i < task.subscribers; i++) {
      const client = await Client.open(port, `s${i}`, greetingOf(task, task.isKept))
      const [filter = '', ...further] = filtersOf(task, i)
      await client.subscribe(filter, task.qos)
      if (further.length > 0) await subscribeToAll(client, further, task.qos)
      loop.#receivers.push(new Receiver(client, expected, group ?? new OrderedArrivals(task.publishers), delivered))
    }
    const arrivals = group === undefined ? loop.#receivers.map((receiver) => receiver.arrivals) : [group]
    for (let i = 0; i < task.publishers; i++) {
      const client = await Client.open(port, `p${i}`, greetingOf(task, false))
      const publication = { ...expected, topics: topicsOf(task, i) }
      publishers.push(new WindowedPublisher(client, i, publication, reachedOf(task, i, arrivals), loop.#queue))
    }
    return loop
  }

  start(): void {
    for (const publisher of this.#publishers) publisher.fill()
  }

  async runFor(timeMs: number): Promise<void> {
    const endMs = performance.now() + timeMs
    for (let leftMs = timeMs; leftMs > 0 && this.stall.isMoving(); leftMs = endMs - performance.now()) {
      await sleep(Math.min(pollMs, leftMs))
    }
  }

  /** Sends no more and waits until everything has come, or nothing comes any more. */
  async drain(): Promise<void> {
    this.#queue.isOpen = false
    while (!this.#isDrained() && this.stall.isMoving()) await sleep(pollMs)
  }

  deliveredMessages(): number {
    return sum(this.#receivers, (receiver) => receiver.deliveredMessages)
  }

  /** To one subscriber; says how even the shares of a shared subscription are. */
  leastDeliveredMessages(): number {
    return Math.min(...this.#receivers.map((receiver) => receiver.deliveredMessages))
  }

  expectedMessages(): number {
    return sum(this.#publishers, (publisher) => publisher.sentMessages * publisher.arrivals.length)
  }

  faults(): string[] {
    const { qos } = this.#task
    const sent = sum(this.#publishers, (publisher) => publisher.sentMessages)
    const released = sum(this.#receivers, (receiver) => receiver.releasedMessages)
    const counts: [string, number][] = [
      ['UNACKNOWLEDGED', qos === 0 ? 0 : sent - sum(this.#publishers, (one) => one.acknowledgedMessages)],
      ['UNRELEASED', qos < 2 ? 0 : this.deliveredMessages() - released],
      ['LATE OR TWICE', sum(this.#receivers, (receiver) => receiver.lateMessages)],
      ['DAMAGED', sum(this.#receivers, (receiver) => receiver.damaged)],
      ['ACKS OUT OF ORDER', sum(this.#publishers, (one) => one.misorderedAcknowledgements)],
      ['REFUSED', sum(this.#publishers, (one) => one.refusedMessages)],
    ]
    const faults = counts.filter(([, count]) => count !== 0).map(([words, count]) => `${words} ${count}`)
    return [...faults, ...closedFaults()]
  }

  #isDrained(): boolean {
    return (
      this.#publishers.every((publisher) => publisher.finishedMessages() === publisher.sentMessages) &&
      (this.#task.qos < 2 || this.#receivers.every((one) => one.releasedMessages === one.deliveredMessages))
    )
  }

  /** Grows with everything that is delivered, acknowledged or released. */
  #progress(): number {
    return (
      this.deliveredMessages() +
      sum(this.#publishers, (publisher) => publisher.acknowledgedMessages) +
      sum(this.#receivers, (receiver) => receiver.releasedMessages)
    )
  }
}
