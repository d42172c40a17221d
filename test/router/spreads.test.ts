import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Clock } from '../../src/base/clock.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Message } from '../../src/protocol/message.ts'
import { plainOptions } from '../../src/protocol/subscription-options.ts'
import type { Subscriber } from '../../src/router/delivery.ts'
import { Router } from '../../src/router/router.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { runs } from '../support/runs.ts'

/** More than get a message at once. */
const MANY = 1500

class Listener implements Subscriber {
  readonly clientId: string
  readonly payloads: string[] = []
  readonly #ledger: Ledger

  constructor(clientId: string, ledger: Ledger) {
    this.clientId = clientId
    this.#ledger = ledger
  }

  deliver({ payload }: Message): void {
    this.payloads.push(payload.toString())
    this.#ledger.delivered++
  }
}

class Fixture {
  readonly ledger = new Ledger()
  readonly router = new Router({
    topicLimits: { maxTopicBytes: 1024, maxTopicLevels: 32 },
    retainedLimits: { maxRetainedMessages: 10, maxRetainedBytes: 10_000 },
    store: new MemoryStore(),
    ledger: this.ledger,
    clock: new Clock(),
    maxTopics: 100,
    maxTopicMemoryBytes: 1024 ** 2,
  })
  readonly listeners: Listener[] = []

  subscribe(filter: string, isNoLocal = false): Listener {
    const listener = new Listener(`${this.listeners.length}`, this.ledger)
    this.listeners.push(listener)
    this.router.subscribe(listener, filter, { ...plainOptions(0), isNoLocal })
    return listener
  }

  subscribeMany(filter: string): void {
    for (let i = 0; i < MANY; i++) this.subscribe(filter)
  }

  publish(topic: string, payload: string, publisher?: string): number {
    return this.router.publishMessage(Message.create(topic, Buffer.from(payload), 0, false, publisher))
  }

  /** Returns in how many turns all that was published was handed over. */
  async untilAllHave(): Promise<number> {
    const done: true[] = []
    this.router.spreads.afterAll(() => void done.push(true))
    let turns = 0
    for (; done.length === 0; turns++) {
      expect(this.ledger.delivered).toBe(this.ledger.matched)
      await nextTurn()
    }
    return turns
  }
}

describe('A message for very many', () => {
  test('is handed over in many turns, to each once and in their order', async () => {
    const fixture = new Fixture()
    fixture.subscribeMany('a')
    expect(fixture.publish('a', 'x')).toBe(MANY)
    expect(fixture.ledger.matched).toBeLessThan(MANY)
    await nextTurn()
    const having = fixture.listeners.filter(({ payloads }) => payloads.length > 0)
    expect(having).toEqual(fixture.listeners.slice(0, having.length))
    expect(await fixture.untilAllHave()).toBeGreaterThan(2)
    for (const { payloads } of fixture.listeners) expect(payloads).toEqual(['x'])
    expect(fixture.ledger.matched).toBe(MANY)
  })

  test('is handed over so for fewer, too, when it is large', async () => {
    const fixture = new Fixture()
    const [first, ...others] = Array.from({ length: 40 }, () => fixture.subscribe('a'))
    expect(fixture.publish('a', 'small')).toBe(40)
    expect(first?.payloads).toEqual(['small'])
    const large = 'x'.repeat(256 * 1024)
    expect(fixture.publish('a', large)).toBe(40)
    expect(first?.payloads).toEqual(['small'])
    await fixture.untilAllHave()
    for (const { payloads } of others) expect(payloads).toEqual(['small', large])
  })

  test('does not hold up those to other topics', async () => {
    const fixture = new Fixture()
    fixture.subscribeMany('a')
    const other = fixture.subscribe('b')
    fixture.publish('a', 'x')
    fixture.publish('b', 'y')
    expect(other.payloads).toEqual(['y'])
    expect(fixture.listeners.at(-2)?.payloads).toEqual([])
    await fixture.untilAllHave()
    expect(fixture.listeners.at(-2)?.payloads).toEqual(['x'])
  })

  test('goes to who was subscribed when it was published, and not to its publisher that wants none of its own', async () => {
    const fixture = new Fixture()
    const gone = fixture.subscribe('a')
    fixture.subscribeMany('a')
    const own = fixture.subscribe('a', true)
    expect(fixture.publish('a', 'x', own.clientId)).toBe(MANY + 1)
    fixture.router.unsubscribe(gone, 'a')
    const late = fixture.subscribe('a')
    expect(fixture.publish('a', 'y', own.clientId)).toBe(MANY + 1)
    await fixture.untilAllHave()
    expect(gone.payloads).toEqual(['x'])
    expect(own.payloads).toEqual([])
    expect(late.payloads).toEqual(['y'])
    expect(fixture.ledger.matched).toBe(2 * (MANY + 1))
  })

  test('is handed over at once when the hub stops', async () => {
    const fixture = new Fixture()
    fixture.subscribeMany('a')
    fixture.publish('a', 'x')
    fixture.publish('a', 'y')
    const done: true[] = []
    fixture.router.spreads.afterAll(() => void done.push(true))
    fixture.router.spreads.finish()
    expect(done).toEqual([true])
    await fixture.untilAllHave()
    for (const { payloads } of fixture.listeners) expect(payloads).toEqual(['x', 'y'])
  })

  test('comes in the same order to all, whatever else is published and whenever turns come [MQTT-4.6.0-6]', async () => {
    const steps = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('publish' as const), topic: fc.constantFrom('a', 'b', 'c') }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('turns' as const), turns: fc.integer({ min: 1, max: 4 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('subscribe' as const), topic: fc.constantFrom('a', 'b', 'c') }),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 20 }), async (all) => {
        const fixture = new Fixture()
        fixture.subscribeMany('a')
        fixture.subscribeMany('b')
        const expected = new Map<Listener, string[]>()
        const topicOf = new Map<Listener, string>()
        for (const [i, listener] of fixture.listeners.entries()) topicOf.set(listener, i < MANY ? 'a' : 'b')
        let payload = 0
        for (const step of all) {
          if (step.kind === 'turns') for (let turn = 0; turn < step.turns; turn++) await nextTurn()
          else if (step.kind === 'subscribe') topicOf.set(fixture.subscribe(step.topic), step.topic)
          else {
            payload++
            fixture.publish(step.topic, `${payload}`)
            for (const [listener, topic] of topicOf) {
              if (topic === step.topic) expected.set(listener, [...(expected.get(listener) ?? []), `${payload}`])
            }
          }
        }
        await fixture.untilAllHave()
        for (const listener of fixture.listeners) expect(listener.payloads).toEqual(expected.get(listener) ?? [])
      }),
      { numRuns: runs(10) },
    )
  })
})
