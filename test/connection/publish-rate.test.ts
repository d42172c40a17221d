import { Gate } from '../../src/auth/gate.ts'
import { unboundedMemory } from '../../src/base/memory-budget.ts'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import { completeConfig, type PartialConfig } from '../../src/config/complete.ts'
import { Connections } from '../../src/connection/connections.ts'
import { PublishRate, type PublishRateOwner } from '../../src/connection/publish-rate.ts'
import { strangersDoor, type Transport, type TransportOwner } from '../../src/connection/transport.ts'
import { Clock } from '../../src/base/clock.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Mishaps } from '../../src/observe/mishaps.ts'
import { MalformedPacketError } from '../../src/protocol/field-reader.ts'
import { Router } from '../../src/router/router.ts'
import { Sessions } from '../../src/session/sessions.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { until } from '../support/guard.ts'
import { connectPacket, PINGREQ, publishPacket } from '../support/packets.ts'
import { expectLedgerBalanced, join, message, payloadsOf, publish, reasonsOf, untilReason } from '../support/steps.ts'
import { CollectingLog, startHub } from '../support/start-hub.ts'

class Owner implements PublishRateOwner {
  readonly events: string[] = []
  frames = 0

  frame(): boolean {
    this.frames++
    return this.frames % 2 === 0
  }

  flush(): void {}

  malformed(fault: MalformedPacketError): void {
    this.events.push(fault.message)
  }

  publishRateExceeded(isFirstTime: boolean): void {
    this.events.push(isFirstTime ? 'exceeded for the first time' : 'exceeded')
  }

  publishRateKept(): void {
    this.events.push('kept')
  }
}

const MESSAGE = publishPacket({ topic: 't' })

/** Has a chunk with `count` packets come now. */
function take(rate: PublishRate, count: number, packet = MESSAGE): void {
  for (let i = 0; i < count; i++) rate.frame(packet, 0, 2, packet.length)
  rate.settle(performance.now())
}

describe('PublishRate', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test("lets one second's worth pass at once, and holds the client for what is more until that is made up for", () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 10)
    take(rate, 10)
    expect(owner.events).toEqual([])
    take(rate, 5)
    expect(owner.events).toEqual(['exceeded for the first time'])
    vi.advanceTimersByTime(499)
    expect(rate.isExceeded).toBe(true)
    vi.advanceTimersByTime(1)
    expect(owner.events).toEqual(['exceeded for the first time', 'kept'])
    expect(rate.isExceeded).toBe(false)
    take(rate, 1)
    expect(owner.events).toEqual(['exceeded for the first time', 'kept', 'exceeded'])
    vi.advanceTimersByTime(100)
    expect(owner.events.at(-1)).toBe('kept')
  })

  test('adds what comes while the client is held to what it owes', () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 10)
    take(rate, 11)
    vi.advanceTimersByTime(50)
    take(rate, 10)
    vi.advanceTimersByTime(1049)
    expect(owner.events).toEqual(['exceeded for the first time'])
    vi.advanceTimersByTime(1)
    expect(owner.events).toEqual(['exceeded for the first time', 'kept'])
  })

  test("saves up no more than one second's worth, however long the client is silent", () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 10)
    vi.advanceTimersByTime(3_600_000)
    take(rate, 11)
    vi.advanceTimersByTime(100)
    expect(owner.events).toEqual(['exceeded for the first time', 'kept'])
  })

  test.each([0.1, 3, 1000])('keeps the average of %d messages a second whatever the chunks', (messagesPerSecond) => {
    const owner = new Owner()
    const rate = new PublishRate(owner, messagesPerSecond)
    const startMs = performance.now()
    let taken = 0
    for (let round = 0; round < 50; round++) {
      const count = 1 + ((round * 7) % 40)
      take(rate, count)
      taken += count
      vi.runAllTimers()
    }
    const burst = Math.max(1, messagesPerSecond)
    const allowed = burst + ((performance.now() - startMs) / 1000) * messagesPerSecond
    expect(taken).toBeLessThanOrEqual(allowed + 1e-6)
    if (taken > 2 * burst) expect(taken).toBeGreaterThan(allowed * 0.9)
  })

  test('counts PUBLISH of every QoS and nothing else', () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 2)
    take(rate, 100, PINGREQ)
    take(rate, 1, publishPacket({ topic: 't', qos: 1 }))
    take(rate, 1, publishPacket({ topic: 't', qos: 2, retain: true, dup: true }))
    expect(owner.events).toEqual([])
    take(rate, 1, publishPacket({ topic: 't', qos: 1 }))
    expect(owner.events).toHaveLength(1)
    rate.stop()
  })

  test('waits longer than a timer can', () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 0.1)
    take(rate, 1 + 300_000)
    vi.advanceTimersByTime(2_999_999_999)
    expect(owner.events).toEqual(['exceeded for the first time'])
    vi.advanceTimersByTime(1)
    expect(owner.events).toEqual(['exceeded for the first time', 'kept'])
  })

  test('sets no timer once it is stopped', () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 1)
    rate.stop()
    take(rate, 100)
    expect(owner.events).toEqual([])
  })

  test('hands on every packet and what became of it', () => {
    const owner = new Owner()
    const rate = new PublishRate(owner, 10)
    expect(rate.frame(MESSAGE, 0, 2, MESSAGE.length)).toBe(false)
    expect(rate.frame(MESSAGE, 0, 2, MESSAGE.length)).toBe(true)
    rate.malformed(new MalformedPacketError('why'))
    expect(owner.events).toEqual(['why'])
  })
})

/** A transport that writes down what is asked of it; what is written is taken when the test says so. */
class SteppedTransport implements Transport {
  readonly kind = 'tcp'
  readonly remoteAddress = '192.0.2.1:1'
  readonly remoteHost = '192.0.2.1'
  readonly door = strangersDoor('mqtt')
  readonly asked: string[] = []
  #owner: TransportOwner | undefined = undefined
  #untaken = 0

  attach(owner: TransportOwner): void {
    this.#owner = owner
  }

  write(): void {
    this.#untaken++
  }

  end(): void {
    this.asked.push('end')
  }

  leave(): void {
    this.asked.push('leave')
  }

  destroy(): void {
    this.asked.push('destroy')
  }

  pause(): void {
    this.asked.push('pause')
  }

  resume(): void {
    this.asked.push('resume')
  }

  awaitTurn(): void {
    this.asked.push('awaitTurn')
  }

  receive(...packets: readonly Buffer[]): void {
    this.#owner?.received(Buffer.concat(packets))
  }

  /** Waits for a write and takes it. */
  async take(): Promise<void> {
    await until(
      () => this.#untaken > 0,
      () => 'a write',
    )
    this.#untaken--
    this.#owner?.taken()
  }

  close(): void {
    this.#owner?.closed(undefined)
  }
}

/** A client that the hub's own parts have accepted over a stepped transport; time is the test's. */
async function acceptClient(limits: PartialConfig['limits'], keepAliveSeconds = 0) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
  const { limits: allLimits } = completeConfig({ limits })
  const [ledger, log, store] = [new Ledger(), new CollectingLog(), new MemoryStore()]
  const clock = new Clock()
  const bounds = { topicLimits: allLimits, retainedLimits: allLimits, maxTopics: 10, maxTopicMemoryBytes: 1024 ** 2 }
  const router = new Router({ ledger, clock, store, ...bounds })
  const mishaps = new Mishaps(() => clock.nowMs())
  const shared = { ledger, log, mishaps, router, limits: allLimits, clock, memory: unboundedMemory(), gate: new Gate() }
  const sessions = new Sessions({
    ...shared,
    store,
    past: undefined,
    limits: { ...allLimits, sharedStrategy: 'round-robin' },
  })
  const broker = new Broker({ store, sessions, topicLimits: allLimits })
  await broker.listen()
  const connections = new Connections({ ...shared, broker, sessions })
  const transport = new SteppedTransport()
  onTestFinished(async () => {
    transport.close()
    await until(
      () => connections.size === 0,
      () => 'the end of the connection',
    )
    await broker.stop()
    vi.useRealTimers()
  })
  connections.accept(transport)
  transport.receive(connectPacket({ clientId: 'c', keepAliveSeconds }))
  await transport.take()
  return { transport, ledger, log }
}

const MANY_PINGS = Array.from({ length: 1100 }, () => PINGREQ)
const BACKLOG = { maxPublishRate: 0.1, maxOutputBytes: 1024 }

describe('Connection with limits.maxPublishRate', () => {
  test('does not read a client that does not take its answers, even when its rate is kept again', async () => {
    const { transport } = await acceptClient(BACKLOG)
    transport.receive(MESSAGE, MESSAGE)
    expect(transport.asked).toEqual(['pause'])
    transport.receive(...MANY_PINGS)
    expect(transport.asked).toEqual(['pause', 'pause'])
    vi.advanceTimersByTime(10_000)
    expect(transport.asked).toEqual(['pause', 'pause'])
    await transport.take()
    expect(transport.asked).toEqual(['pause', 'pause', 'resume'])
  })

  test('does not read a client that is too fast, even when it has taken its answers', async () => {
    const { transport } = await acceptClient(BACKLOG)
    transport.receive(...MANY_PINGS, MESSAGE, MESSAGE)
    expect(transport.asked).toEqual(['pause', 'pause'])
    await transport.take()
    vi.advanceTimersByTime(9999)
    expect(transport.asked).toEqual(['pause', 'pause'])
    vi.advanceTimersByTime(1)
    expect(transport.asked).toEqual(['pause', 'pause', 'resume'])
  })

  test('counts the keep-alive of a client only while it is read [MQTT-3.1.2-24]', async () => {
    const { transport, log } = await acceptClient({ maxPublishRate: 0.1 }, 1)
    transport.receive(MESSAGE, MESSAGE)
    vi.advanceTimersByTime(10_000)
    expect(transport.asked).toEqual(['pause', 'resume'])
    vi.advanceTimersByTime(1499)
    await new Promise(setImmediate)
    expect(reasonsOf(log)).toEqual([])
    vi.advanceTimersByTime(1502)
    await untilReason(log, /nothing came for one and a half times the keep-alive/)
  })

  test('counts each time a client is held and says so once in the log', async () => {
    const { transport, ledger, log } = await acceptClient({ maxPublishRate: 0.1 })
    transport.receive(MESSAGE, MESSAGE)
    vi.advanceTimersByTime(10_000)
    transport.receive(MESSAGE)
    expect(ledger.limitHits['publish-rate']).toBe(2)
    const warnings = log.lines.items.filter(({ level }) => level === 'warn')
    const reason = expect.stringContaining('limits.maxPublishRate')
    expect(warnings.map(({ fields }) => fields)).toEqual([{ clientId: 'c', limit: 'publish-rate', reason }])
  })

  test('leaves no timer when the client goes while it is held, nor when it goes with the packet that is too much', async () => {
    const { transport } = await acceptClient({ maxPublishRate: 0.1 })
    const before = vi.getTimerCount()
    transport.receive(MESSAGE, MESSAGE)
    expect(vi.getTimerCount()).toBe(before + 1)
    transport.close()
    expect(vi.getTimerCount()).toBe(before)
    const other = await acceptClient({ maxPublishRate: 0.1 })
    const beforeOther = vi.getTimerCount()
    other.transport.receive(MESSAGE, MESSAGE, Buffer.from([0, 0]))
    expect(other.transport.asked).toEqual(['end'])
    expect(vi.getTimerCount()).toBe(beforeOther)
  })

  test('hands on all that was read, runs and single messages, and does not read on', async () => {
    const { hub, port, log } = await startHub({ config: { limits: { maxPublishRate: 0.1 } } })
    const subscriber = await join(port, 'subscriber')
    await subscriber.subscribe(['#', 0])
    const fast = await join(port, 'fast')
    const sent = Array.from({ length: 20 }, (_, i) => `${i}`)
    fast.send(...sent.map((payload) => message(Number(payload) < 10 ? 'same' : payload, payload)))
    const got: string[] = []
    while (got.length < sent.length) got.push(...payloadsOf([await subscriber.next()]))
    expect(got).toEqual(sent)
    await until(
      () => hub.ledger.limitHits['publish-rate'] === 1,
      () => 'the client to be held',
    )
    fast.send(message('later', 'later'))
    // What it sent would have been read while others come and go.
    for (let i = 0; i < 20; i++) expect(await subscriber.restBeforePingresp()).toEqual([])
    expect(hub.ledger.received[0]).toBe(sent.length)
    expect(reasonsOf(log)).toEqual([])
  })

  test('of null holds nobody', async () => {
    const started = await startHub()
    const client = await join(started.port, 'c')
    await publish(client, ...Array.from({ length: 20_000 }, () => MESSAGE))
    expect(started.hub.ledger.received[0]).toBe(20_000)
    expect(started.hub.ledger.limitHits['publish-rate']).toBe(0)
    expectLedgerBalanced(started)
  })
})
