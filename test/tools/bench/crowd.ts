// Many connections that say little: what each takes of memory, and what it costs that each says something once a minute.
/* oxlint-disable no-await-in-loop -- what is due is sent in turn */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, closedFaults } from './client.ts'
import { inParallel, residentBytesAfterChurn } from './connections.ts'
import type { CrowdTask, Measurement } from './job.ts'
import { CLEAN_SESSION, PacketType, PINGREQ, publishPacket } from './packets.ts'
import { ProcessorUse, settledResidentBytes } from './process-usage.ts'

const minuteMs = 60_000
/** Half of the connections speak in it. */
const measuredMs = 30_000
const tickMs = 10
const graceMs = 1000
const payload = Buffer.alloc(64, 'x')

/** The value is resident bytes of the broker for each connection, each with one subscription. */
export async function measureCrowd(task: CrowdTask, port: number, brokerPid: number): Promise<Measurement> {
  const beforeBytes = await residentBytesAfterChurn(port, brokerPid)
  const arriving = new ProcessorUse(brokerPid)
  const clients: Client[] = []
  let answers = 0
  await inParallel(task.connections, async (number) => {
    const client = await Client.open(port, `crowd${number}`, CLEAN_SESSION, addressOf(number))
    await client.subscribe(topicOf(number), 0)
    // The answer to a ping, or what it has itself published.
    client.handle({
      frame(chunk, start) {
        const type = (chunk[start] ?? 0) >> 4
        if (type === PacketType.pingresp || type === PacketType.publish) answers++
      },
      chunkEnd() {},
    })
    clients[number] = client
  })
  const arrived = arriving.end()
  const afterBytes = await settledResidentBytes(brokerPid)

  const silent = new ProcessorUse(brokerPid)
  await sleep(measuredMs / 3)
  const silence = silent.end()
  const speaking = new ProcessorUse(brokerPid)
  const spoken = await speak(task, clients)
  const speech = speaking.end()
  await sleep(graceMs)
  const faults = closedFaults()
  for (const client of clients) client.destroy()
  return {
    value: (afterBytes - beforeBytes) / task.connections,
    lost: spoken - answers,
    faults,
    detail: {
      connectionsPerSecond: task.connections / arrived.elapsedSeconds,
      connectMicroseconds: (arrived.brokerBusy * arrived.elapsedSeconds * 1e6) / task.connections,
      silentShare: silence.brokerBusy,
      speakingShare: speech.brokerBusy,
      microsecondsEach: ((speech.brokerBusy - silence.brokerBusy) * speech.elapsedSeconds * 1e6) / spoken,
      ...speech,
    },
  }
}

/** Loopback has an address for every connection that one address has no port for. */
function addressOf(number: number): string {
  return `127.0.0.${2 + (number % 200)}`
}

function topicOf(number: number): string {
  return `crowd/${number}/value`
}

/** Has one connection after another speak, each of all in a minute; resolves to how many did. */
async function speak({ does, connections }: CrowdTask, clients: readonly Client[]): Promise<number> {
  const startMs = performance.now()
  let spoken = 0
  for (;;) {
    const elapsedMs = performance.now() - startMs
    const due = Math.floor((Math.min(elapsedMs, measuredMs) / minuteMs) * connections)
    for (; spoken < due; spoken++) {
      const packet = does === 'ping' ? PINGREQ : publishPacket({ topic: topicOf(spoken), qos: 0, packetId: 0 }, payload)
      clients[spoken]?.socket.write(packet)
    }
    if (elapsedMs >= measuredMs) return spoken
    await sleep(tickMs)
  }
}
