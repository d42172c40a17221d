import { setTimeout as sleep } from 'node:timers/promises'
import { subscribePacket } from '../../support/packets.ts'
import type { ReceivedPacket } from '../../support/received-packet.ts'
import type { RetainedFound } from './checker.ts'
import type { Faults } from './faults.ts'
import { readPayload } from './plan.ts'
import type { Random } from './random.ts'
import { ReconnectingClient } from './reconnecting-client.ts'
import { until } from './until.ts'

const ANSWER_DEADLINE_MS = 10_000
const QUIET_MS = 300

/** Subscribes anew to `filter` and gives what is retained there. */
export async function readRetained(
  port: number,
  filter: string,
  random: Random,
  faults: Faults,
): Promise<RetainedFound[]> {
  const found: RetainedFound[] = []
  let isAnswered = false
  let isDone = false
  const take = (packet: ReceivedPacket): void => {
    if (packet.type === 'SUBACK') isAnswered = true
    if (packet.type !== 'PUBLISH') return
    const origin = readPayload(packet.topic, packet.payload.toString())
    if (origin === undefined) faults.add('retained damaged', packet.topic)
    else if (!packet.retain) faults.add('RETAIN not set', packet.topic)
    else found.push({ topic: packet.topic, sequence: origin.sequence })
  }
  const client = new ReconnectingClient(
    { port, clientId: `retained-reader-${random.between(0, 1e9)}`, isClean: true, random },
    {
      connected: () => client.send(subscribePacket(1, [[filter, 0]])),
      received: take,
      disconnected: () => {
        if (!isDone) faults.add('connection lost', 'of the reader of retained messages')
      },
      fault: (kind, example) => faults.add(kind, example),
    },
  )
  client.start()
  if (!(await until(() => isAnswered, ANSWER_DEADLINE_MS)))
    faults.add('no SUBACK', `for ${filter} in ${ANSWER_DEADLINE_MS} ms`)
  let count = -1
  while (found.length > count) {
    count = found.length
    await sleep(QUIET_MS)
  }
  isDone = true
  client.leave(true)
  return found
}
