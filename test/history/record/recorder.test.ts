import { MemoryBudget } from '../../../src/base/memory-budget.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { LeftOutReason } from '../../../src/history/record/left-out.ts'
import { Ledger } from '../../../src/observe/ledger.ts'
import { Router } from '../../../src/router/router.ts'
import { MemoryStore } from '../../../src/store/memory/memory-store.ts'
import { MemoryHistoryLog } from '../../../src/history/log/memory-history-log.ts'
import { allPayloads, postingListOf, said, type Stage, type StageOptions, startHistory } from '../stage.ts'

async function begin(options: StageOptions = {}): Promise<Stage> {
  const stage = await startHistory(options)
  onTestFinished(async () => stage.history.stop())
  return stage
}

/** The reasons for which anything was left out, with how often. */
function leftOut({ history }: Stage): Partial<Record<LeftOutReason, number>> {
  return Object.fromEntries(Object.entries(history.snapshot().leftOut).filter(([, count]) => count > 0))
}

/** A log that takes nothing until it is let. */
class SlowLog extends MemoryHistoryLog {
  readonly letGo: () => void
  readonly #gate: Promise<void>

  constructor() {
    super()
    let letGo: (() => void) | undefined
    this.#gate = new Promise((resolve) => (letGo = resolve))
    this.letGo = () => letGo?.()
  }

  override async write(...changes: Parameters<MemoryHistoryLog['write']>): Promise<void> {
    await this.#gate
    return super.write(...changes)
  }
}

describe('History records', () => {
  test('by the wall clock, also when that was corrected while the hub runs, in the order in which they came', async () => {
    const { history, clock } = await begin()
    const atMs = clock.nowMs()
    for (const [payload, correctedByMs] of [
      ['one', 0],
      ['ahead', 5000],
      ['back', -5000],
    ] as const) {
      clock.correctedByMs = correctedByMs
      clock.pass(100)
      history.offer(said('a', payload))
    }
    clock.correctedByMs = 5000
    const { entries } = await history.page({ filter: 'a', order: 'oldest' })
    const found = entries.map((entry) => [entry.message.payload.toString(), entry.sequence, entry.atMs - atMs])
    expect(found).toEqual([
      ['back', 3, -4700],
      ['one', 1, 100],
      ['ahead', 2, 5200],
    ])
  })

  test('all of QoS 1 and 2 and all that is retained, and of QoS 0 the share of its topic in each second', async () => {
    const stage = await begin({ qos0PerSecondPerTopic: 2 })
    const { history, clock } = stage
    for (let i = 0; i < 4; i++) {
      for (const qos of [0, 1, 2] as const) history.offer(said('a', `${i} at ${qos}`, qos))
      history.offer(said('a', `${i} retained`, 0, true))
      history.offer(said('b', `${i} of b`, 0))
    }
    expect(leftOut(stage)).toEqual({ 'qos0-topic-rate': 4 })
    expect(history.topic('a')).toMatchObject({ messages: 14, leftOut: 2 })
    expect(history.topic('b')).toMatchObject({ messages: 2, leftOut: 2 })
    expect(await allPayloads(history, { filter: 'a', text: 'at 0', order: 'oldest' })).toEqual(['0 at 0', '1 at 0'])
    clock.pass(1000)
    history.offer(said('a', 'next second', 0))
    expect(history.topic('a')).toMatchObject({ messages: 15, leftOut: 2 })
    expect(history.snapshot()).toMatchObject({ recorded: 17, messages: 17, topics: 2, lastSequence: 17 })
  })

  test('of runs as much as of single messages', async () => {
    const stage = await begin({ qos0PerSecondPerTopic: 3 })
    stage.history.offerRun(postingListOf('a', ['1', '2']))
    stage.history.offerRun(postingListOf('a', ['3', '4', '5']))
    stage.history.offerRun(postingListOf('a', ['6']))
    expect(await allPayloads(stage.history, { order: 'oldest' })).toEqual(['1', '2', '3'])
    expect(leftOut(stage)).toEqual({ 'qos0-topic-rate': 3 })
    expect(stage.history.topic('a')).toMatchObject({ messages: 3, leftOut: 3 })
  })

  test('no more of QoS 0 in a second than all topics may have', async () => {
    const stage = await begin({ qos0PerSecond: 5 })
    for (let i = 0; i < 4; i++) stage.history.offer(said(`t/${i}`, 'x', 0))
    stage.history.offerRun(postingListOf('run', ['1', '2', '3']))
    stage.history.offerRun(postingListOf('run', ['4', '5']))
    stage.history.offer(said('other', 'x', 0))
    stage.history.offer(said('other', 'kept', 1))
    expect(leftOut(stage)).toEqual({ 'qos0-total-rate': 5 })
    expect(stage.history.snapshot().recorded).toBe(6)
  })

  test('no more bytes of large messages at QoS 0 in a second than all topics may have, but the one that passes the limit', async () => {
    const stage = await begin({ qos0BytesPerSecond: 3000 })
    for (let i = 0; i < 3; i++) stage.history.offer(said(`t/${i}`, Buffer.alloc(2000), 0))
    stage.history.offerRun(postingListOf('run', ['1', '2']))
    stage.history.offer(said('other', Buffer.alloc(2000), 1))
    stage.history.offer(said('other', Buffer.alloc(2000), 0, true))
    expect(leftOut(stage)).toEqual({ 'qos0-byte-rate': 1 })
    stage.clock.pass(1000)
    stage.history.offer(said('t/0', Buffer.alloc(5000), 0))
    stage.history.offer(said('t/1', 'x', 0))
    stage.history.offerRun(postingListOf('run', ['l'.repeat(1100), 'small']))
    expect(leftOut(stage)).toEqual({ 'qos0-byte-rate': 2 })
    expect(stage.history.snapshot().recorded).toBe(9)
  })

  test("a topic's large messages at QoS 0 no faster than its bytes allow, a few at once, and all the others", async () => {
    const stage = await begin({ qos0BytesPerSecondPerTopic: 10_000 })
    const { history, clock } = stage
    const camera = (): void => history.offer(said('camera', Buffer.alloc(20_000), 0))
    camera()
    camera()
    history.offerRun(postingListOf('camera', ['l'.repeat(1100), 'small']))
    history.offer(said('camera', 'small', 0))
    history.offer(said('camera', Buffer.alloc(20_000), 1))
    history.offer(said('door', Buffer.alloc(2000), 0))
    expect(leftOut(stage)).toEqual({ 'qos0-topic-byte-rate': 2 })
    expect(history.topic('camera')).toMatchObject({ messages: 4, leftOut: 2 })
    clock.pass(900)
    camera()
    expect(leftOut(stage)).toEqual({ 'qos0-topic-byte-rate': 3 })
    clock.pass(200)
    camera()
    clock.pass(60_000)
    for (let i = 0; i < 7; i++) history.offer(said('camera', Buffer.alloc(1900), 0))
    expect(leftOut(stage)).toEqual({ 'qos0-topic-byte-rate': 4 })
    expect(history.topic('camera')).toMatchObject({ messages: 11 })
  })

  test('of a run what may be, whatever of it is left out', async () => {
    const { history } = await begin({ qos0BytesPerSecondPerTopic: 1024, qos0PerSecondPerTopic: 20 })
    const large = Array.from({ length: 40 }, () => 'l'.repeat(1100))
    history.offerRun(postingListOf('camera', [...large, 'on', 'off', 'on']))
    expect(history.topic('camera')).toMatchObject({ messages: 4, leftOut: 39 })
  })

  test('no more of anything in a second than may be, neither messages nor bytes', async () => {
    const few = await begin({ maxMessagesPerSecond: 3 })
    for (let i = 0; i < 5; i++) few.history.offer(said('a', String(i), 2))
    few.history.offer(said('a', 'retained', 0, true))
    expect(leftOut(few)).toEqual({ 'total-rate': 3 })
    const large = await begin()
    for (let i = 0; i < 40; i++) large.history.offer(said('a', Buffer.alloc(1024 ** 2)))
    expect(leftOut(large)).toEqual({ 'byte-rate': 9 })
  })

  test('nothing that is larger than an entry may be', async () => {
    const stage = await begin({ maxBytes: 8 * 1024 ** 2 })
    stage.history.offer(said('a', Buffer.alloc(1024 ** 2 - 100)))
    stage.history.offer(said('a', Buffer.alloc(1024 ** 2 + 1)))
    stage.history.offerRun(postingListOf('a', ['small', 'l'.repeat(1024 ** 2 + 1), 'small too']))
    expect(leftOut(stage)).toEqual({ 'too-large': 2 })
    expect(stage.history.snapshot().recorded).toBe(3)
  })

  test('what the first rule that matches says', async () => {
    const rules = [
      { filter: 'a/secret', record: false },
      { filter: 'a/#', qos0PerSecond: 0 },
      { filter: '+/secret', record: true, qos0PerSecond: 1 },
    ]
    const stage = await begin({ rules })
    for (const topic of ['a/secret', 'a/b', 'b/secret', 'b/c']) {
      for (let i = 0; i < 2; i++) stage.history.offer(said(topic, `${topic} 0`, 0))
      stage.history.offerRun(postingListOf(topic, [`${topic} run`]))
      stage.history.offer(said(topic, `${topic} 1`, 1))
    }
    expect(await allPayloads(stage.history, { order: 'oldest' })).toEqual([
      'a/b 1',
      'b/secret 0',
      'b/secret 1',
      'b/c 0',
      'b/c 0',
      'b/c run',
      'b/c 1',
    ])
    expect(leftOut(stage)).toEqual({ 'qos0-topic-rate': 5 })
    expect(stage.history.snapshot().topics).toBe(3)
  })

  test('nothing that the hub says of itself', async () => {
    const stage = await begin()
    for (const topic of ['$SYS/broker/uptime', '$hub/receipts/a', '$other']) stage.history.offer(said(topic, topic))
    expect(await allPayloads(stage.history, { filter: '$SYS/#' })).toEqual([])
    expect(await allPayloads(stage.history, { filter: '$other' })).toEqual(['$other'])
    expect(stage.history.snapshot().recorded).toBe(1)
  })

  test('nothing more when the store is so far behind that no more may wait, and again when it has caught up', async () => {
    const store = new SlowLog()
    const stage = await begin({ store })
    const { history, clock } = stage
    for (let i = 0; i < 40; i++) {
      history.offer(said('a', Buffer.alloc(1024 ** 2)))
      clock.pass(1000)
    }
    expect(leftOut(stage)).toEqual({ 'store-behind': 8 })
    expect(history.snapshot().pending).toBe(32)
    store.letGo()
    await history.stored()
    expect(history.snapshot().pending).toBe(0)
    history.offer(said('a', 'again'))
    expect(await allPayloads(history, { limit: 1, text: 'again' })).toEqual(['again'])
    expect(leftOut(stage)).toEqual({ 'store-behind': 8 })
  })

  test('every message under its topic, however often the hub forgets topics and meets them again', async () => {
    const stage = await begin({ rules: [{ filter: 'secret/#', record: false }] })
    const router = new Router({
      topicLimits: { maxTopicBytes: 1024, maxTopicLevels: 32 },
      retainedLimits: { maxRetainedMessages: 10, maxRetainedBytes: 10_000 },
      store: new MemoryStore(),
      ledger: new Ledger(),
      clock: stage.clock,
      maxTopics: 3,
      maxTopicMemoryBytes: 1024 ** 2,
    })
    router.addTap(stage.history)
    const expected = new Map<string, number>()
    for (let i = 0; i < 1000; i++) {
      const number = (i * i) % 11
      const topic = number < 3 ? `secret/${number}` : `t/${number}`
      router.publishMessage(said(topic, `${i}`))
      expected.set(topic, (expected.get(topic) ?? 0) + 1)
    }
    for (const [topic, messages] of expected) {
      expect(stage.history.topic(topic)?.messages, topic).toBe(topic.startsWith('secret/') ? undefined : messages)
    }
    expect(leftOut(stage)).toEqual({})
  })

  test('no more topics than it can have, and others still', async () => {
    const stage = await begin({ maxMessagesPerSecond: Infinity })
    for (let i = 0; i < 250_010; i++) stage.history.offer(said(`t/${i}`, ''))
    stage.history.offer(said('t/5', 'again'))
    expect(leftOut(stage)).toEqual({ 'too-many-topics': 10 })
    expect(stage.history.topic('t/5')?.messages).toBe(2)
  })

  test('no more topics than there is memory for, and others still', async () => {
    const memory = new MemoryBudget({ bytes: 1024 ** 2, heapBytes: 1024 ** 2 })
    const stage = await begin({ maxMessagesPerSecond: Infinity, maxBytes: 1024 ** 2, memory })
    for (let i = 0; i < 2000; i++) stage.history.offer(said(`t/${i}`, ''))
    const refused = leftOut(stage)['no-memory'] ?? 0
    expect(refused).toBeGreaterThan(1000)
    expect(leftOut(stage)).toEqual({ 'no-memory': refused })
    expect(memory.history.refused).toBe(refused)
    expect(memory.history.bytes).toBeLessThanOrEqual(1024 ** 2)
    stage.history.offer(said('t/5', 'again'))
    expect(stage.history.topic('t/5')?.messages).toBe(2)
  })
})
