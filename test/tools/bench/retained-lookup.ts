// SUBSCRIBE to an exact topic while the broker holds many retained messages.
/* oxlint-disable no-await-in-loop -- a lookup begins when the last one has ended */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, closedFaults } from './client.ts'
import { quantile } from './figures.ts'
import type { Measurement, Retained, RetainedTask } from './job.ts'
import { patternPayload } from './message-ring.ts'
import { PacketType, publishPacket, subscribePacket } from './packets.ts'
import { ProcessorUse } from './process-usage.ts'

const windowMessages = 100
const warmUpSubscribes = 50
const settleMs = 500
const answerMs = 10_000

/** Milliseconds from SUBSCRIBE until both SUBACK and the retained PUBLISH are here; the value is the 99th percentile. */
export async function measureRetainedLookup(task: RetainedTask, port: number, brokerPid: number): Promise<Measurement> {
  const publisher = await Client.open(port, 'keeper')
  await publishRetained(publisher, task)
  await publisher.close()
  await sleep(settleMs)

  const subscriber = await Client.open(port, 'asker')
  const timesMs: number[] = []
  const asked = warmUpSubscribes + task.subscribes
  let lost = 0
  const use = new ProcessorUse(brokerPid)
  for (let number = 0; number < asked; number++) {
    // Topics from all over the tree.
    const topic = topicOf(Math.floor((number * task.retainedMessages) / asked))
    const timeMs = await ask(subscriber, topic, number + 1)
    if (Number.isNaN(timeMs)) lost++
    else if (number >= warmUpSubscribes) timesMs.push(timeMs)
  }
  const used = use.end()
  subscriber.destroy()
  return {
    value: quantile(timesMs, 0.99),
    lost,
    faults: closedFaults(),
    detail: { p50Ms: quantile(timesMs, 0.5), p99Ms: quantile(timesMs, 0.99), maxMs: quantile(timesMs, 1), ...used },
  }
}

/** Of a message that `publishRetained` publishes. */
export function topicOf(number: number): string {
  return `retained/${Math.floor(number / 100)}/${number % 100}`
}

/** Publishes messages `from` up to `to` with QoS 1, so that the broker has confirmed each. */
export async function publishRetained(
  client: Client,
  task: Retained,
  from = 0,
  to = task.retainedMessages,
): Promise<void> {
  const payload = patternPayload(0, task.payloadBytes)
  await new Promise<void>((resolve, reject) => {
    client.socket.once('close', () => reject(new Error('the broker closed the connection that published')))
    let sent = from
    let acknowledged = from
    const fill = (): void => {
      for (; sent < to && sent - acknowledged < windowMessages; sent++) {
        const head = { topic: topicOf(sent), qos: 1, packetId: (sent % 65_535) + 1, isRetained: true } as const
        client.socket.write(publishPacket(head, payload))
      }
    }
    client.handle({
      frame(chunk, start) {
        if ((chunk[start] ?? 0) >> 4 === PacketType.puback) acknowledged++
      },
      chunkEnd() {
        if (acknowledged === to) resolve()
        else fill()
      },
    })
    fill()
  })
}

/** Subscribes to a topic; milliseconds until its retained message is here, NaN when it does not come. */
export async function ask(client: Client, topic: string, packetId: number): Promise<number> {
  return new Promise((resolve) => {
    const startedAtMs = performance.now()
    const timeout = setTimeout(() => resolve(Number.NaN), answerMs)
    let hasSuback = false
    let hasMessage = false
    client.handle({
      frame(chunk, start) {
        const type = (chunk[start] ?? 0) >> 4
        if (type === PacketType.suback) hasSuback = true
        if (type === PacketType.publish) hasMessage = true
        if (!hasSuback || !hasMessage) return
        clearTimeout(timeout)
        resolve(performance.now() - startedAtMs)
      },
      chunkEnd() {},
    })
    client.socket.write(subscribePacket(packetId, topic, 0))
  })
}
