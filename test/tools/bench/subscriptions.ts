// What a subscription costs when its client has many already.
import { Client, closedFaults } from './client.ts'
import type { Measurement, SubscribeTask } from './job.ts'
import { PacketType, subscribeToAllPacket, type QoS } from './packets.ts'
import { ProcessorUse } from './process-usage.ts'

/** SUBSCRIBE packets on their way: enough to keep a server busy, few enough for its answers to fit its output. */
const windowPackets = 20
const filtersPerPacket = 20
const warmUpShare = 0.2
const subackHeadBytes = 4

/** The value is subscriptions a second, of those that follow the first fifth. */
export async function measureSubscriptions(task: SubscribeTask, port: number, brokerPid: number): Promise<Measurement> {
  const client = await Client.open(port, 'collector-of-topics')
  const warmUpFilters = task.filters * warmUpShare
  const filters = Array.from({ length: task.filters }, (_, number) => filterOf(number))
  await subscribeToAll(client, filters.slice(0, warmUpFilters), 0)
  const use = new ProcessorUse(brokerPid)
  await subscribeToAll(client, filters.slice(warmUpFilters), 0)
  const used = use.end()
  client.destroy()
  return {
    value: (task.filters - warmUpFilters) / used.elapsedSeconds,
    lost: 0,
    faults: closedFaults(),
    detail: { ...used },
  }
}

/** As of a gateway that speaks for many devices: some topics of each. */
function filterOf(number: number): string {
  return `site/device-${Math.floor(number / 10)}/command/${number % 10}`
}

/** Resolves when a SUBACK has granted each of the filters exactly `qos`. */
export async function subscribeToAll(client: Client, filters: readonly string[], qos: QoS): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(new Error('the broker closed the connection that subscribed'))
    client.socket.once('close', onClose)
    let sent = 0
    let answered = 0
    let refused = 0
    const fill = (): void => {
      while (sent < filters.length && sent - answered < windowPackets * filtersPerPacket) {
        const packetId = ((sent / filtersPerPacket) % 65_535) + 1
        const next = filters.slice(sent, sent + filtersPerPacket)
        client.socket.write(subscribeToAllPacket(packetId, next, qos))
        sent += next.length
      }
    }
    client.handle({
      frame(chunk, start, end) {
        if ((chunk[start] ?? 0) >> 4 !== PacketType.suback) return
        // Few filters are in a packet, so that the length before their answers is one byte long.
        for (let at = start + subackHeadBytes; at < end; at++) {
          answered++
          if (chunk[at] !== qos) refused++
        }
      },
      chunkEnd() {
        if (answered < filters.length) {
          fill()
          return
        }
        client.socket.off('close', onClose)
        if (refused === 0) resolve()
        else reject(new Error(`the broker refused ${refused} of ${filters.length} filters`))
      },
    })
    fill()
  })
}
