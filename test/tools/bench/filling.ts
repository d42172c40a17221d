// What a broker has on disk when it starts: sessions and retained messages, and whether they are there again.
/* oxlint-disable no-await-in-loop -- samples are asked for one after another */
import { Client, closedFaults } from './client.ts'
import { inParallel } from './connections.ts'
import type { FillTask, Measurement } from './job.ts'
import { KEPT_SESSION } from './packets.ts'
import { ProcessorUse, settledResidentBytes } from './process-usage.ts'
import { ask, publishRetained, topicOf } from './retained-lookup.ts'

const samples = 200
const publishers = 10

/** Makes kept sessions with one subscription each, then the retained messages; the figures are in the detail. */
export async function fill(task: FillTask, port: number, brokerPid: number): Promise<Measurement> {
  const emptyBytes = await settledResidentBytes(brokerPid)
  const coming = new ProcessorUse(brokerPid)
  await inParallel(task.sessions, async (number) => {
    const client = await Client.open(port, clientIdOf(number), KEPT_SESSION)
    await client.subscribe(`kept/${number}/+`, 1)
    await client.close()
  })
  const came = coming.end()
  const sessionsBytes = await settledResidentBytes(brokerPid)
  const retaining = new ProcessorUse(brokerPid)
  await Promise.all(Array.from({ length: publishers }, (_, index) => publishShare(task, port, index)))
  const retained = retaining.end()
  const allBytes = await settledResidentBytes(brokerPid)
  return {
    value: Number.NaN,
    lost: 0,
    faults: closedFaults(),
    detail: {
      sessionsPerSecond: task.sessions / came.elapsedSeconds,
      sessionMicroseconds: (came.brokerBusy * came.elapsedSeconds * 1e6) / task.sessions,
      sessionBytes: (sessionsBytes - emptyBytes) / task.sessions,
      retainedPerSecond: task.retainedMessages / retained.elapsedSeconds,
      retainedMicroseconds: (retained.brokerBusy * retained.elapsedSeconds * 1e6) / task.retainedMessages,
      retainedBytes: (allBytes - sessionsBytes) / task.retainedMessages,
      othersBusy: retained.othersBusy,
    },
  }
}

/** Asks for some sessions and retained messages from all over; lost are those that are not there. */
export async function recall(task: FillTask, port: number, brokerPid: number): Promise<Measurement> {
  let lost = 0
  const asker = await Client.open(port, 'asker')
  for (let sample = 0; sample < samples; sample++) {
    const client = Client.connecting(port, KEPT_SESSION)
    if (!(await client.resume(clientIdOf(Math.floor((sample * task.sessions) / samples))))) lost++
    await client.close()
    const topic = topicOf(Math.floor((sample * task.retainedMessages) / samples))
    if (Number.isNaN(await ask(asker, topic, sample + 1))) lost++
  }
  await asker.close()
  const startedMiB = (await settledResidentBytes(brokerPid)) / 2 ** 20
  return { value: Number.NaN, lost, faults: closedFaults(), detail: { startedMiB } }
}

async function publishShare(task: FillTask, port: number, index: number): Promise<void> {
  const publisher = await Client.open(port, `keeper${index}`)
  const share = task.retainedMessages / publishers
  await publishRetained(publisher, task, Math.floor(index * share), Math.floor((index + 1) * share))
  await publisher.close()
}

function clientIdOf(number: number): string {
  return `kept${number}`
}
