import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { mosquittoSub, runMosquittoSub } from '../support/mosquitto.ts'
import { startMosquittoBroker } from '../support/mosquitto-broker.ts'
import { publishPacket } from '../support/packets.ts'
import { isPublish, join, leave } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

/** The hub's topics that Mosquitto 2.0.11 does not publish. */
const OURS_ALONE: Readonly<Record<string, string>> = {
  '$SYS/broker/messages/inflight': 'mosquitto(8) has it, but the program does not',
}
/** Mosquitto's topics that the hub does not publish. */
const THEIRS_ALONE: Readonly<Record<string, string>> = {}

/**
 * What counts the same in both. Not among them: what is sent, which depends on how often `$SYS` changes;
 * `publish/messages/received`, which stays 0 in Mosquitto 2.0.11; and `clients/maximum`, which mosquitto(8) has as the clients
 * connected at the same time, and the program counts with those that are away.
 */
const SAME_VALUES = [
  'clients/total',
  'clients/connected',
  'clients/active',
  'clients/disconnected',
  'clients/inactive',
  'clients/expired',
  'subscriptions/count',
  'shared_subscriptions/count',
  'messages/received',
  'publish/messages/dropped',
  'bytes/received',
]

/** All `$SYS` topics of a broker: those that two rounds have. */
async function topicsOf(port: number): Promise<Set<string>> {
  const subscriber = await mosquittoSub(port, { topics: ['$SYS/#'] })
  const liveUptimes = () =>
    subscriber.messages.items.filter(({ topic, retain }) => topic === '$SYS/broker/uptime' && !retain)
  await until(
    () => liveUptimes().length >= 2,
    () => 'two rounds of $SYS topics',
    10_000,
  )
  await subscriber.stop()
  return new Set(subscriber.messages.items.map(({ topic }) => topic))
}

/** Has clients come, subscribe, publish and go, and gives what the broker says of it in the end. */
async function valuesAfterTraffic(port: number): Promise<Record<string, string | undefined>> {
  const away = await join(port, 'away', { isClean: false })
  await away.subscribe(['t/#', 1], ['u', 0])
  await leave(away)
  const member = await join(port, 'member')
  await member.subscribe(['$share/g/s', 1], ['t/#', 0])
  const publisher = await join(port, 'publisher')
  for (const [i, qos] of [0, 1, 2].entries()) {
    publisher.send(publishPacket({ topic: `t/${i}`, payload: 'x'.repeat(100), qos, retain: true, packetId: 7 }))
    if (qos > 0) await publisher.next(qos === 1 ? 'PUBACK' : 'PUBREC')
  }
  const reader = await join(port, 'reader')
  await reader.subscribe(['$SYS/broker/#', 0])
  const values = () =>
    new Map(
      reader.received
        .filter(isPublish)
        .map(({ topic, payload }) => [topic.replace('$SYS/broker/', ''), payload.toString()]),
    )
  const rounds = () =>
    reader.received.filter((one) => isPublish(one) && one.topic === '$SYS/broker/uptime' && !one.retain).length
  await until(
    () => rounds() >= 2,
    () => 'two rounds of $SYS topics',
    10_000,
  )
  return Object.fromEntries(SAME_VALUES.map((topic) => [topic, values().get(topic)]))
}

describe('$SYS', () => {
  test('comes to mosquitto_sub at once', async () => {
    const { port } = await startHub()
    const [version] = await runMosquittoSub(port, { topics: ['$SYS/broker/version'], args: ['-C', '1'] })
    expect(version?.payload.toString()).toMatch(/^hubbub version \d+\.\d+\.\d+/)
    expect(version?.retain).toBe(true)
    const all = await runMosquittoSub(port, { topics: ['$SYS/#'], args: ['-C', '50'] })
    expect(all.every(({ topic, retain }) => retain && topic.startsWith('$SYS/broker/'))).toBe(true)
  })

  test('has the topics that a Mosquitto has, but for those that are listed', async () => {
    const ours = await topicsOf((await startHub({ config: { sysIntervalSeconds: 1 } })).port)
    const theirs = await topicsOf(await startMosquittoBroker())
    const oursAlone = [...ours].filter((topic) => !theirs.has(topic))
    const theirsAlone = [...theirs].filter((topic) => !ours.has(topic))
    expect(oursAlone).toEqual(Object.keys(OURS_ALONE))
    expect(theirsAlone).toEqual(Object.keys(THEIRS_ALONE))
  })

  test('says of the same traffic what a Mosquitto says', async () => {
    const { port } = await startHub({ config: { sysIntervalSeconds: 1 } })
    const ours = await valuesAfterTraffic(port)
    expect(ours).toEqual(await valuesAfterTraffic(await startMosquittoBroker()))
    expect(ours['clients/total']).toBe('4')
  })
})
