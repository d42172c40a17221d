import { describe, expect, test } from 'vitest'
import { DROP_REASONS } from '../../src/protocol/drop-reasons.ts'
import { Ledger, LIMITS } from '../../src/observe/ledger.ts'
import { METRIC_ROWS } from '../../src/observe/metrics.ts'
import { createMetrics, HISTORY } from '../support/facts.ts'
import { until } from '../support/guard.ts'
import { acknowledgePacket, connectPacket, publishPacket, subscribePacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { connectRawClient } from '../support/raw-client.ts'
import { join, leave, lose, message, publish } from '../support/steps.ts'
import { byLabel, type Samples, scrapeSamples } from '../support/scrape.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

async function scrape({ hub }: TestHub): Promise<Samples> {
  return scrapeSamples(hub.metrics)
}

function length(packets: readonly Buffer[]): number {
  return Buffer.concat(packets).length
}

describe('Metrics', () => {
  test('names each metric once, with its help and type, in the text format of Prometheus', async () => {
    const { contentType, body } = await createMetrics({ history: HISTORY }).scrape()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(types).toEqual(expect.arrayContaining(METRIC_ROWS.map(({ name, kind }) => `${name} ${kind}`)))
    expect(types).toHaveLength(METRIC_ROWS.length)
    const helps = [...body.matchAll(/^# HELP (\S+) (.+)$/gm)].map(([, name]) => name)
    expect(helps).toHaveLength(METRIC_ROWS.length)
    expect(new Set(helps)).toEqual(new Set(METRIC_ROWS.map(({ name }) => name)))
  })

  test('gives every metric a value in a hub that has a history', async () => {
    const samples = await scrapeSamples(createMetrics({ history: HISTORY }))
    const named = new Set([...samples.keys()].map((key) => key.replace(/\{.*|_(?:bucket|sum|count)$/, '')))
    // Kernels before 6.2 do not say it.
    named.add('process_open_fds')
    const withoutValue = METRIC_ROWS.filter(({ name, kind }) => !named.has(name) && kind !== 'histogram')
    expect(withoutValue).toEqual([])
  })

  test('labels with few and known values only: QoS, reasons, limits and states', async () => {
    const samples = await scrapeSamples(createMetrics({ history: HISTORY }))
    const labels = new Set([...samples.keys()].flatMap((key) => [...key.matchAll(/(\w+)="/g)].map(([, name]) => name)))
    expect(labels).toEqual(
      new Set([
        'cause',
        'direction',
        'fault',
        'kind',
        'le',
        'limit',
        'listener',
        'outcome',
        'part',
        'qos',
        'reason',
        'state',
        'version',
      ]),
    )
    expect(Object.keys(byLabel(samples, 'hubbub_messages_dropped_total'))).toEqual(Object.keys(DROP_REASONS))
    expect(Object.keys(byLabel(samples, 'hubbub_limit_hits_total'))).toEqual(Object.keys(LIMITS))
  })

  test('says when the first certificate of a listener ends, and its list of revoked ones; nothing without TLS', async () => {
    const samples = await scrapeSamples(createMetrics())
    expect(samples.get('hubbub_tls_certificate_expiry_timestamp_seconds{listener="mqtts"}')).toBe(1_800_000_000)
    expect(samples.get('hubbub_tls_crl_expiry_timestamp_seconds{listener="mqtts"}')).toBe(1_790_000_000)
    const without = await scrapeSamples(createMetrics({ expiries: [] }))
    expect([...without.keys()].filter((key) => key.startsWith('hubbub_tls'))).toEqual([])
  })

  test('says what its history says of itself, and nothing where there is none', async () => {
    const samples = await scrapeSamples(createMetrics({ history: HISTORY }))
    expect(samples.get('hubbub_history_messages')).toBe(3)
    expect(samples.get('hubbub_history_bytes')).toBe(500)
    expect(samples.get('hubbub_history_topics')).toBe(2)
    expect(samples.get('hubbub_history_oldest_timestamp_seconds')).toBe(1_700_000_000.5)
    expect(samples.get('hubbub_history_recorded_messages_total')).toBe(7)
    expect(byLabel(samples, 'hubbub_history_left_out_messages_total')).toEqual({
      'qos0-topic-rate': 4,
      'store-behind': 0,
    })
    expect(samples.get('hubbub_history_pending_messages')).toBe(1)
    expect(samples.get('hubbub_history_failing')).toBe(1)
    const without = await scrapeSamples(createMetrics())
    expect([...without.keys()].filter((key) => key.startsWith('hubbub_history_'))).toEqual([])
    const empty = await scrapeSamples(createMetrics({ history: { ...HISTORY, oldestAtMs: undefined } }))
    expect(empty.has('hubbub_history_oldest_timestamp_seconds')).toBe(false)
  })

  test('counts deliveries that were followed in a histogram, in seconds and by QoS', async () => {
    const metrics = createMetrics()
    metrics.observeDelivery(0, 0.4)
    metrics.observeDelivery(1, 7)
    metrics.observeDelivery(1, 3_700_000)
    const samples = await scrapeSamples(metrics)
    const bucket = (qos: number, le: string) => samples.get(`hubbub_delivery_seconds_bucket{le="${le}",qos="${qos}"}`)
    expect(bucket(0, '0.0005')).toBe(1)
    expect([bucket(1, '0.005'), bucket(1, '0.01'), bucket(1, '3600'), bucket(1, '+Inf')]).toEqual([0, 1, 1, 2])
    expect(samples.get('hubbub_delivery_seconds_sum{qos="1"}')).toBeCloseTo(3700.007)
    expect(samples.get('hubbub_delivery_seconds_count{qos="2"}')).toBe(0)
  })

  test('gives two scrapes at once the same, whole', async () => {
    const ledger = new Ledger()
    ledger.received[1] = 5
    const metrics = createMetrics({ ledger })
    const both = await Promise.all([scrapeSamples(metrics), scrapeSamples(metrics)])
    for (const samples of both) expect(samples.get('hubbub_messages_received_total{qos="1"}')).toBe(5)
  })

  test('of two hubs in one process are apart', async () => {
    const [first, second] = [await startHub(), await startHub()]
    await join(first.port, 'a')
    expect((await scrape(first)).get('hubbub_connections_total')).toBe(1)
    expect((await scrape(second)).get('hubbub_connections_total')).toBe(0)
  })
})

describe('A scrape of a hub', () => {
  test('counts messages by QoS, packets and bytes, exactly as they came and went', async () => {
    const hub = await startHub()
    const subscriber = await connectRawClient(hub.port)
    await subscriber.subscribe(['t', 2])
    const publisher = await connectRawClient(hub.port)
    const publishes = [
      message('t', 'at most once'),
      publishPacket({ topic: 't', payload: 'at least once', qos: 1, packetId: 1 }),
      publishPacket({ topic: 't', payload: 'exactly once', qos: 2, packetId: 2 }),
    ]
    publisher.send(...publishes)
    await publisher.next('PUBACK')
    await publisher.next('PUBREC')
    publisher.send(acknowledgePacket('PUBREL', 2))
    await publisher.next('PUBCOMP')
    await subscriber.next('PUBLISH')
    const { packetId: first } = await subscriber.next('PUBLISH')
    const { packetId: second } = await subscriber.next('PUBLISH')
    subscriber.send(acknowledgePacket('PUBACK', first), acknowledgePacket('PUBREC', second))
    await subscriber.next('PUBREL')
    subscriber.send(acknowledgePacket('PUBCOMP', second))
    await subscriber.restBeforePingresp()

    const samples = await scrape(hub)
    const one = { 0: 1, 1: 1, 2: 1 }
    expect(byLabel(samples, 'hubbub_messages_received_total')).toEqual(one)
    expect(byLabel(samples, 'hubbub_messages_sent_total')).toEqual(one)
    const publishBytes = length(publishes)
    expect(samples.get('hubbub_publish_received_bytes_total')).toBe(publishBytes)
    expect(samples.get('hubbub_publish_sent_bytes_total')).toBe(publishBytes)
    // Besides: 2 CONNECT, SUBSCRIBE, PUBREL, PUBACK, PUBREC, PUBCOMP, PINGREQ.
    expect(samples.get('hubbub_packets_received_total')).toBe(3 + 8)
    const otherBytes = length([connectPacket(), connectPacket(), subscribePacket(1, [['t', 2]])]) + 4 * 4 + 2
    expect(samples.get('hubbub_received_bytes_total')).toBe(publishBytes + otherBytes)
    // Besides: 2 CONNACK of 4 bytes, SUBACK of 5, PUBACK, PUBREC, PUBCOMP and PUBREL of 4, PINGRESP of 2.
    expect(samples.get('hubbub_packets_sent_total')).toBe(3 + 8)
    expect(samples.get('hubbub_sent_bytes_total')).toBe(publishBytes + 2 * 4 + 5 + 4 * 4 + 2)
    expect(samples.get('hubbub_messages_matched_total')).toBe(3)
    expect(samples.get('hubbub_messages_delivered_total')).toBe(3)
    expect(samples.get('hubbub_messages_pending')).toBe(0)
  })

  test('counts runs of QoS 0 message by message', async () => {
    const hub = await startHub()
    const subscriber = await join(hub.port, 'subscriber')
    await subscriber.subscribe(['t', 0])
    const run = Array.from({ length: 100 }, (_, i) => message('t', `${i}`))
    await publish(await join(hub.port, 'publisher'), ...run)
    await subscriber.restBeforePingresp()
    const samples = await scrape(hub)
    expect(samples.get('hubbub_messages_received_total{qos="0"}')).toBe(100)
    expect(samples.get('hubbub_messages_sent_total{qos="0"}')).toBe(100)
    expect(samples.get('hubbub_publish_sent_bytes_total')).toBe(length(run))
  })

  test('counts what clients of MQTT 5 are sent with properties of their own', async () => {
    const hub = await startHub()
    const subscriber = await connectRawClient(hub.port, { properties: [] })
    await subscriber.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 7]], ['t', 1])
    const before = await scrape(hub)
    const publisher = await join(hub.port, 'publisher')
    await publish(publisher, message('t'), publishPacket({ topic: 't', qos: 1 }))
    await subscriber.restBeforePingresp()
    const samples = await scrape(hub)
    expect(byLabel(samples, 'hubbub_messages_sent_total')).toEqual({ 0: 1, 1: 1, 2: 0 })
    // A property length and an identifier of two bytes, twice.
    expect(samples.get('hubbub_publish_sent_bytes_total')).toBe(
      length([message('t'), publishPacket({ topic: 't', qos: 1 })]) + 2 * 3,
    )
    expect(samples.get('hubbub_packets_sent_total')).toBe((before.get('hubbub_packets_sent_total') ?? 0) + 6)
  })

  test('has how long deliveries took, by the QoS at which they were made', async () => {
    const hub = await startHub()
    const [at0, at1] = [await join(hub.port, 'at0'), await join(hub.port, 'at1')]
    await at0.subscribe(['t', 0])
    await at1.subscribe(['t', 1])
    const publisher = await join(hub.port, 'publisher')
    await publish(publisher, publishPacket({ topic: 't', qos: 1 }))
    const { packetId } = await at1.next('PUBLISH')
    const counts = async () => byLabel(await scrape(hub), 'hubbub_delivery_seconds_count')
    await at0.restBeforePingresp()
    expect(await counts()).toEqual({ 0: 1, 1: 0, 2: 0 })
    await publish(at1, acknowledgePacket('PUBACK', packetId))
    expect(await counts()).toEqual({ 0: 1, 1: 1, 2: 0 })
  })

  test('knows what sessions and shared subscriptions hold', async () => {
    const hub = await startHub({ config: { limits: { maxInflightMessages: 2 } } })
    const slow = await join(hub.port, 'slow')
    await slow.subscribe(['t', 1], ['u', 0], ['$share/g/s', 1])
    const away = await join(hub.port, 'away', { isClean: false })
    await away.subscribe(['t', 1])
    await leave(away)
    const publisher = await join(hub.port, 'publisher')
    for (let i = 1; i <= 3; i++) {
      publisher.send(publishPacket({ topic: 't', payload: '!', qos: 1, packetId: i }))
      await publisher.next('PUBACK')
    }
    publisher.send(publishPacket({ topic: 's', payload: '!', qos: 1, packetId: 4 }))
    await publisher.next('PUBACK')
    publisher.send(publishPacket({ topic: 'elsewhere', qos: 2, packetId: 5 }))
    await publisher.next('PUBREC')

    const samples = await scrape(hub)
    const packetBytes = publishPacket({ topic: 't', payload: '!', qos: 1 }).length
    expect(byLabel(samples, 'hubbub_sessions')).toEqual({ connected: 2, disconnected: 1 })
    expect(byLabel(samples, 'hubbub_subscriptions')).toEqual({ plain: 3, shared: 1 })
    expect(byLabel(samples, 'hubbub_inflight_messages')).toEqual({ to_clients: 2, from_clients: 1 })
    // One for the slow client, three for the one that is away, one for the group.
    expect(samples.get('hubbub_queued_messages')).toBe(5)
    expect(samples.get('hubbub_queued_bytes')).toBe(5 * packetBytes)
    expect(samples.get('hubbub_messages_pending')).toBe(7)
    expect(samples.get('hubbub_topics')).toBe(3)
    expect(samples.get('hubbub_connections')).toBe(2)
    expect(samples.get('hubbub_connections_total')).toBe(3)
    expect(samples.get('hubbub_connects_total')).toBe(3)
  })

  test('has drops by reason, limits that were hit, and what was refused or not retained', async () => {
    const hub = await startHub({ config: { limits: { maxRetainedMessages: 1, maxPacketBytes: 1000 } } })
    const away = await join(hub.port, 'away', { isClean: false })
    await away.subscribe(['t', 1])
    await leave(away)
    const publisher = await join(hub.port, 'publisher')
    await publish(publisher, message('t'), message('$SYS/x'), message('r', '1', true), message('s', '12', true))
    const large = await join(hub.port, 'large')
    large.send(message('t', 'x'.repeat(1001)))
    await large.untilClosed()

    const samples = await scrape(hub)
    expect(byLabel(samples, 'hubbub_messages_dropped_total')).toMatchObject({ offline: 1, 'queue-full': 0 })
    expect(byLabel(samples, 'hubbub_limit_hits_total')).toMatchObject({ 'packet-size': 1, connections: 0 })
    expect(samples.get('hubbub_messages_refused_total')).toBe(1)
    expect(samples.get('hubbub_messages_not_retained_total')).toBe(1)
    expect(samples.get('hubbub_retained_messages')).toBe(1)
    expect(samples.get('hubbub_retained_bytes')).toBe(message('r', '1', true).length)
  })

  test('counts clients that do not take what they are sent', async () => {
    const hub = await startHub({ config: { limits: { maxOutputBytes: 1024 } } })
    const frozen = await join(hub.port, 'frozen')
    await frozen.subscribe(['t', 0])
    frozen.pause()
    const publisher = await join(hub.port, 'publisher')
    const flood = Array.from({ length: 16 }, () => message('t', 'x'.repeat(1_000_000)))
    await publish(publisher, ...flood)
    expect((await scrape(hub)).get('hubbub_congested_clients')).toBe(1)
    await lose(hub.log, frozen)
    expect((await scrape(hub)).get('hubbub_congested_clients')).toBe(0)
  })

  test('counts sessions that expire', async () => {
    const hub = await startHub({ config: { limits: { maxSessionExpirySeconds: 1 } } })
    await leave(await join(hub.port, 'away', { isClean: false }))
    await until(
      () => hub.hub.ledger.expiredSessions === 1,
      () => 'the session to expire',
    )
    const samples = await scrape(hub)
    expect(samples.get('hubbub_sessions_expired_total')).toBe(1)
    expect(byLabel(samples, 'hubbub_sessions')).toEqual({ connected: 0, disconnected: 0 })
  })

  test('tells how late the event loop is', async () => {
    const hub = await startHub()
    const looks = async () => (await scrape(hub)).get('hubbub_event_loop_lag_seconds_count') ?? 0
    while ((await looks()) === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    expect((await scrape(hub)).get('hubbub_event_loop_busy_seconds_total')).toBeGreaterThan(0)
  })
})
