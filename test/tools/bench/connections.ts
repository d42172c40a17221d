// What connections cost: how many a second come, subscribe and go, and what an idle one takes of memory.
/* oxlint-disable no-await-in-loop -- each worker goes step by step */
import { Client } from './client.ts'
import type { ConnectTask, IdleTask, Measurement } from './job.ts'
import { CLEAN_SESSION, KEPT_SESSION, type Greeting } from './packets.ts'
import { ProcessorUse, settledResidentBytes } from './process-usage.ts'

const concurrency = 50
const churnedConnections = 2000
const maxFailures = 20

/** Rounds of TCP connect, CONNECT, CONNACK, SUBSCRIBE, SUBACK, DISCONNECT, close; the value is rounds a second. */
export async function measureConnectRate(
  task: ConnectTask,
  port: number,
  brokerPid: number,
  warmUpSeconds: number,
  seconds: number,
): Promise<Measurement> {
  const warmUpEndsMs = performance.now() + warmUpSeconds * 1000
  const endsMs = warmUpEndsMs + seconds * 1000
  const greeting = task.isKept ? KEPT_SESSION : CLEAN_SESSION
  const failures: string[] = []
  let use: ProcessorUse | undefined
  let counted = 0
  const comeAndGo = async (worker: number): Promise<void> => {
    for (let round = 0; performance.now() < endsMs && failures.length < maxFailures; round++) {
      try {
        await visit(port, `c${worker}-${round}`, greeting)
      } catch (error) {
        failures.push(String(error))
      }
      const now = performance.now()
      if (now >= warmUpEndsMs && now < endsMs) {
        use ??= new ProcessorUse(brokerPid)
        counted++
      }
    }
  }
  await Promise.all(Array.from({ length: task.concurrency }, (_, worker) => comeAndGo(worker)))
  const end = use?.end()
  return {
    value: counted / (end?.elapsedSeconds ?? seconds),
    lost: failures.length,
    faults: failures.slice(0, 1),
    detail: { ...end },
  }
}

/**
 * Resident bytes of the broker for each of many connections with one subscription each. Both readings wait until memory
 * stands still.
 */
export async function measureIdleMemory(task: IdleTask, port: number, brokerPid: number): Promise<Measurement> {
  const before = await residentBytesAfterChurn(port, brokerPid)
  const clients: Client[] = []
  await inParallel(task.connections, async (number) => {
    const client = await Client.open(port, `idle${number}`)
    await client.subscribe(`idle/${number}`, 0)
    clients.push(client)
  })
  const after = await settledResidentBytes(brokerPid)
  const lost = clients.filter((client) => client.socket.destroyed).length
  for (const client of clients) client.destroy()
  return {
    value: (after - before) / task.connections,
    lost,
    faults: [],
    detail: { connections: task.connections, beforeBytes: before, afterBytes: after },
  }
}

/**
 * Resident bytes of a broker before many connections come. First 2,000 come and go, at most 50 at a time, so that what a
 * runtime takes once (compiled code, a young generation grown to its size) is not laid at the door of the others.
 */
export async function residentBytesAfterChurn(port: number, brokerPid: number): Promise<number> {
  await inParallel(churnedConnections, (number) => visit(port, `churn${number}`, CLEAN_SESSION))
  return settledResidentBytes(brokerPid)
}

/** Comes, subscribes to a topic of its own and goes. */
export async function visit(port: number, clientId: string, greeting: Greeting): Promise<void> {
  const client = await Client.open(port, clientId, greeting)
  await client.subscribe(`visit/${clientId}`, 0)
  await client.close()
}

/** Runs `work` for 0 to count-1, 50 of them at a time. */
export async function inParallel(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}
