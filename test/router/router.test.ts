import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HubbubError } from '../../src/base/errors.ts'
import { Clock } from '../../src/base/clock.ts'
import { Ledger } from '../../src/observe/ledger.ts'
import { Message } from '../../src/protocol/message.ts'
import { encodePublish } from '../../src/protocol/publish-packet.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { plainOptions } from '../../src/protocol/subscription-options.ts'
import type { Delivery, Subscriber } from '../../src/router/delivery.ts'
import { Router, type RouterOptions } from '../../src/router/router.ts'
import type { TopicTag } from '../../src/router/tap.ts'
import { MemoryStore } from '../../src/store/memory/memory-store.ts'
import { filters, naiveMatches, topics } from './naive-match.ts'
import { runs } from '../support/runs.ts'

const LIMITS = { maxTopicBytes: 1024, maxTopicLevels: 32 }

function createRouter(options: Partial<RouterOptions> = {}): Router {
  return new Router({
    topicLimits: LIMITS,
    retainedLimits: { maxRetainedMessages: 10, maxRetainedBytes: 10_000 },
    store: new MemoryStore(),
    ledger: new Ledger(),
    clock: new Clock(),
    maxTopics: 100_000,
    maxTopicMemoryBytes: 1024 ** 2,
    ...options,
  })
}

function message(topic: string, payload = 'x', retain = false): Message {
  return Message.create(topic, Buffer.from(payload), 0, retain, undefined)
}

/** Remembers what it was handed; `whenHanded` runs inside the delivery. */
class Listener implements Subscriber {
  readonly received: string[] = []
  readonly #whenHanded: () => void

  constructor(whenHanded: () => void = () => undefined) {
    this.#whenHanded = whenHanded
  }

  deliver({ topic, payload }: Message, { qos }: Delivery): void {
    this.received.push(`${topic} ${payload.toString()} ${qos}`)
    this.#whenHanded()
  }
}

/** A run of QoS 0 packets as it stands in a chunk. */
function run(topic: string, payloads: string[]): Message {
  const packets = payloads.map((payload) => encodePublish(Buffer.from(topic), undefined, Buffer.from(payload), false))
  const chunk = Buffer.concat([Buffer.from('before'), ...packets, Buffer.from('behind')])
  const whole = new Message()
  const payloadStart = 6 + (packets[0]?.length ?? 0) - (payloads[0]?.length ?? 0)
  whole.set(topic, 0, false, chunk, 6, payloadStart, chunk.length - 6)
  whole.count = payloads.length
  return whole
}

function publishRun(router: Router, whole: Message): void {
  const topic = Buffer.from(whole.topic)
  const number = router.resolve(topic, 0, topic.length)
  if (number === 0) throw new Error(`${whole.topic} was refused`)
  router.publishRun(whole, number)
}

describe('Router', () => {
  test('hands a message to each subscriber once, with its highest granted QoS [MQTT-3.3.5-1]', () => {
    const ledger = new Ledger()
    const router = createRouter({ ledger })
    const [anna, ben] = [new Listener(), new Listener()]
    router.subscribe(anna, 'a/#', plainOptions(1))
    router.subscribe(anna, 'a/+', plainOptions(2))
    router.subscribe(ben, 'a/b', plainOptions(0))
    router.subscribe(ben, 'c', plainOptions(0))
    expect(router.publishMessage(message('a/b', 'hello'))).toBe(2)
    expect(anna.received).toEqual(['a/b hello 2'])
    expect(ben.received).toEqual(['a/b hello 0'])
    expect(ledger.matched).toBe(2)
    expect(router.publishMessage(message('nobody'))).toBe(0)
  })

  test('says whether a subscription is new and whether one was there to end', () => {
    const router = createRouter()
    const anna = new Listener()
    expect(router.subscribe(anna, 'a/+', plainOptions(1))).toBe(true)
    expect(router.subscribe(anna, 'a/+', plainOptions(2))).toBe(false)
    expect(router.unsubscribe(anna, 'a/+')).toBe(true)
    expect(router.unsubscribe(anna, 'a/+')).toBe(false)
  })

  test('agrees with a naive matcher while subscriptions and messages come in any order, whatever is cached', () => {
    const listeners = [new Listener(), new Listener(), new Listener()]
    // Few topics and filters, so that changes meet topics that are known.
    const someTopics = ['a', 'a/b', '/b', '$S/b']
    const someFilters = ['#', '+', 'a', 'a/#', 'a/+', '+/b', 'a/b', '+/+', '/b', '$S/#', '$S/b', '$S/+/#']
    const step = fc.record({
      listener: fc.constantFrom(...listeners),
      topic: fc.constantFrom(...someTopics),
      filter: fc.constantFrom(...someFilters),
      act: fc.constantFrom<(QoS | 'unsubscribe' | 'publish')[]>(
        0,
        1,
        2,
        'unsubscribe',
        'publish',
        'publish',
        'publish',
      ),
    })
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 50_000),
        fc.array(step, { minLength: 20, maxLength: 100 }),
        (maxTopics, steps) => {
          const router = createRouter({ maxTopics })
          for (const listener of listeners) listener.received.length = 0
          const model = new Map(listeners.map((listener) => [listener, new Map<string, QoS>()]))
          for (const { listener, topic, filter, act } of steps) {
            if (act === 'publish') {
              router.publishMessage(message(topic))
              for (const [each, own] of model) {
                const granted = [...own].filter(([one]) => naiveMatches(one, topic)).map(([, qos]) => qos)
                const expected = granted.length === 0 ? [] : [`${topic} x ${Math.max(...granted)}`]
                expect(each.received.splice(0)).toEqual(expected)
              }
            } else if (act === 'unsubscribe') {
              expect(router.unsubscribe(listener, filter)).toBe(model.get(listener)?.delete(filter))
            } else {
              model.get(listener)?.set(filter, act)
              router.subscribe(listener, filter, plainOptions(act))
            }
          }
        },
      ),
      { numRuns: runs(200) },
    )
  })

  test('hands nothing more to who has unsubscribed, whatever is cached [MQTT-3.10.4-2]', () => {
    const router = createRouter()
    const anna = new Listener()
    for (const filter of ['a/b', 'a/+']) {
      router.subscribe(anna, filter, plainOptions(0))
      expect(router.publishMessage(message('a/b'))).toBe(1)
      router.unsubscribe(anna, filter)
      expect(router.publishMessage(message('a/b'))).toBe(0)
    }
  })

  test('keeps nobody in memory who has unsubscribed, for topics that get no further message either', async () => {
    setFlagsFromString('--expose-gc')
    const collect: unknown = runInNewContext('gc')
    const router = createRouter()
    const gone: WeakRef<Listener>[] = []
    const comeAndGo = (filter: string): void => {
      const listener = new Listener()
      gone.push(new WeakRef(listener))
      router.subscribe(listener, filter, plainOptions(0))
      expect(router.publishMessage(message(`${filter.slice(0, -1)}x`))).toBe(1)
      router.unsubscribe(listener, filter)
    }
    for (let i = 0; i < 100; i++) for (const filter of [`rest/${i}/#`, `any/${i}/+`, `exact/${i}/x`]) comeAndGo(filter)
    await expect
      .poll(() => {
        if (typeof collect === 'function') collect()
        return gone.filter((one) => one.deref() !== undefined).length
      })
      .toBe(0)
    expect(router.publishMessage(message('rest/1/x'))).toBe(0)
  })

  test('hands a message to all who had subscribed when it came, though a delivery changes subscriptions', () => {
    const router = createRouter()
    const late = new Listener()
    const leaving = new Listener()
    const first = new Listener(() => {
      router.unsubscribe(first, 'a')
      router.unsubscribe(leaving, 'a')
      router.subscribe(late, 'a', plainOptions(1))
    })
    const last = new Listener()
    for (const listener of [first, leaving, last]) router.subscribe(listener, 'a', plainOptions(1))
    router.publishMessage(message('a', '1'))
    expect([first, leaving, last, late].map((listener) => listener.received.length)).toEqual([1, 1, 1, 0])
    router.publishMessage(message('a', '2'))
    expect([first, leaving, last, late].map((listener) => listener.received.length)).toEqual([1, 1, 2, 1])
  })

  test('stays whole when a delivery publishes to the same topic', () => {
    const router = createRouter()
    let isFirst = true
    const echo = new Listener(() => {
      if (isFirst) {
        isFirst = false
        router.publishMessage(message('a', 'echo'))
      }
    })
    const other = new Listener()
    router.subscribe(echo, 'a', plainOptions(0))
    router.subscribe(other, 'a', plainOptions(0))
    router.publishMessage(message('a', 'call'))
    expect(echo.received).toEqual(['a call 0', 'a echo 0'])
    expect(other.received).toEqual(['a echo 0', 'a call 0'])
  })

  test('retains a message with RETAIN only, before it hands it over [MQTT-3.3.1-5] [MQTT-3.3.1-12]', () => {
    const router = createRouter()
    const seen: (string | undefined)[] = []
    const anna = new Listener(() => seen.push(router.retained.get('a')?.payload.toString()))
    router.subscribe(anna, 'a', plainOptions(0))
    router.publishMessage(message('a', 'retained', true))
    router.publishMessage(message('a', 'plain', false))
    expect(seen).toEqual(['retained', 'retained'])
    expect(anna.received).toEqual(['a retained 0', 'a plain 0'])
  })

  test('hands over an empty retained message like any other and retains nothing [MQTT-3.3.1-10]', () => {
    const router = createRouter()
    const anna = new Listener()
    router.subscribe(anna, 'a', plainOptions(0))
    router.publishMessage(message('a', 'x', true))
    router.publishMessage(message('a', '', true))
    expect(anna.received).toEqual(['a x 0', 'a  0'])
    expect(router.retained.count).toBe(0)
  })

  test('counts a message that it may not retain and hands it over all the same', () => {
    const ledger = new Ledger()
    const store = new MemoryStore()
    const router = createRouter({ ledger, store, retainedLimits: { maxRetainedMessages: 1, maxRetainedBytes: 1000 } })
    const anna = new Listener()
    router.subscribe(anna, '#', plainOptions(0))
    for (const topic of ['a', 'b', 'a']) router.publishMessage(message(topic, 'x', true))
    expect(ledger.notRetained).toBe(1)
    expect(anna.received.length).toBe(3)
    expect([...store.retained()].map(({ topic }) => topic)).toEqual(['a'])
  })

  test('stores what is retained, and a router that starts later takes it up', () => {
    const store = new MemoryStore()
    const router = createRouter({ store })
    for (const topic of ['a', 'b/c']) router.publishMessage(message(topic, `of ${topic}`, true))
    router.publishMessage(message('a', '', true))
    const next = createRouter({ store })
    expect(next.retained.count).toBe(0)
    next.restore()
    expect([...next.retained.matching('#')].map((kept) => kept?.payload.toString())).toEqual(['of b/c'])
  })

  test('offers every message to every tap, with subscribers and without', () => {
    const router = createRouter()
    const offered: string[] = []
    for (const name of ['history', 'bridge']) {
      router.addTap({
        offer: ({ topic, payload }) => offered.push(`${name} ${topic} ${payload.toString()}`),
        offerRun: ({ topic, count }) => offered.push(`${name} ${topic} ${count} at once`),
        stop: () => Promise.resolve(),
      })
    }
    router.publishMessage(message('a', '1'))
    publishRun(router, run('b', ['2', '3']))
    expect(offered).toEqual(['history a 1', 'bridge a 1', 'history b 2 at once', 'bridge b 2 at once'])
  })

  test('gives a tap the tag that it noted of a topic, and none once the topic was forgotten, also while it was delivered', () => {
    const router = createRouter({ maxTopics: 2 })
    const seen: [topic: string, tag: number][] = []
    router.addTap({
      offer: ({ topic }, tag) => {
        seen.push([topic, tag.value])
        tag.value = topic.charCodeAt(0)
      },
      offerRun: ({ topic }, tag) => seen.push([topic, tag.value]),
      stop: () => Promise.resolve(),
    })
    let isNested = false
    const busy = new Listener(() => {
      if (isNested) for (const topic of ['x', 'y', 'z']) router.publishMessage(message(topic))
    })
    for (const topic of ['a', 'b', 'a']) router.publishMessage(message(topic))
    publishRun(router, run('b', ['1', '2']))
    expect(seen.splice(0)).toEqual([
      ['a', 0],
      ['b', 0],
      ['a', 97],
      ['b', 98],
    ])
    router.subscribe(busy, 'a', plainOptions(0))
    isNested = true
    router.publishMessage(message('a'))
    isNested = false
    expect(seen.splice(0).at(-1)).toEqual(['a', 0])
    for (const topic of ['z', 'a']) router.publishMessage(message(topic))
    expect(seen).toEqual([
      ['z', 122],
      ['a', 0],
    ])
  })

  test('gives a tap the tag of no other topic when it publishes itself, nor when a tap before it did', () => {
    const router = createRouter()
    const seen: [topic: string, tag: number][] = []
    const answer = ({ topic }: Message, tag: TopicTag): void => {
      if (topic.length > 1) return
      for (const echo of [`${topic} echo`, '$SYS/echo']) router.publishMessage(message(echo))
      tag.value = 7
      expect(tag.value).toBe(0)
    }
    const note = ({ topic }: Message, tag: TopicTag): void => {
      seen.push([topic, tag.value])
      tag.value = topic.charCodeAt(0) + topic.length
    }
    router.addTap({ offer: answer, offerRun: answer, stop: () => Promise.resolve() })
    router.addTap({ offer: note, offerRun: note, stop: () => Promise.resolve() })
    router.publishMessage(message('a'))
    router.publishMessage(message('a'))
    publishRun(router, run('a', ['1', '2']))
    expect(seen.splice(0)).toEqual([
      ['a echo', 0],
      ['a', 0],
      ['a echo', 103],
      ['a', 98],
      ['a echo', 103],
      ['a', 98],
    ])
  })

  test('takes the tag from a tap whose topic gives way to one of the hub, to which the tap publishes', () => {
    const router = createRouter({ maxTopics: 1 })
    const seen: number[] = []
    const answer = (_message: Message, tag: TopicTag): void => {
      router.publishMessage(message('$SYS/echo'))
      tag.value = 7
      seen.push(tag.value)
    }
    router.addTap({ offer: answer, offerRun: answer, stop: () => Promise.resolve() })
    router.publishMessage(message('a'))
    publishRun(router, run('b', ['1', '2']))
    expect(seen).toEqual([0, 0])
  })

  test('hands a run whole to those who take runs and message by message to all others, in order', () => {
    const ledger = new Ledger()
    const router = createRouter({ ledger })
    const takenRuns: Message[] = []
    const taker: Subscriber = {
      deliver: () => expect.unreachable('a run was given message by message'),
      deliverRun: (whole) => takenRuns.push(whole),
    }
    const other = new Listener()
    router.subscribe(other, 'a', plainOptions(2))
    router.subscribe(taker, 'a', plainOptions(2))
    const whole = run('a', ['one', 'two', ''])
    publishRun(router, whole)
    expect(takenRuns).toEqual([whole])
    expect(other.received.map((line) => line.slice(0, -2))).toEqual(['a one', 'a two', 'a '])
    expect(ledger.matched).toBe(6)
  })

  test('has runs of several topics handed over at once where the same get them and nobody follows them, each counted for its topic', () => {
    const router = createRouter()
    const offered: string[] = []
    router.addTap({
      offer: () => undefined,
      offerRun: ({ topic, count }) => offered.push(`${topic} ${count}`),
      stop: () => Promise.resolve(),
    })
    const takenRuns: Message[] = []
    const taker: Subscriber = { deliver: () => undefined, deliverRun: (whole) => takenRuns.push(whole) }
    router.subscribe(taker, 'a/+', plainOptions(0))
    router.subscribe(new Listener(), 'a/other', plainOptions(0))
    const numberOf = (topic: string): number => router.resolve(Buffer.from(topic), 0, topic.length)
    const [one, two, other, own] = ['a/1', 'a/2', 'a/other', '$SYS/1'].map(numberOf)
    // Its first messages are followed to each receiver.
    expect(router.receiversOfRun(one ?? 0)).toBeUndefined()
    for (const topic of ['a/1', 'a/2', 'a/other']) {
      for (let i = 0; i < 5; i++) router.publishMessage(message(topic))
    }
    offered.length = 0
    const receivers = router.receiversOfRun(one ?? 0)
    expect(router.receiversOfRun(two ?? 0)).toBe(receivers)
    expect(router.receiversOfRun(other ?? 0)).not.toBe(receivers)
    expect(router.receiversOfRun(own ?? 0)).toBeUndefined()
    router.countPart(run('a/1', ['1', '2']), one ?? 0)
    router.countPart(run('a/2', ['3']), two ?? 0)
    const whole = run('a/1', ['1', '2', '3'])
    router.deliverCounted(whole, receivers ?? [])
    expect(takenRuns).toEqual([whole])
    expect(offered).toEqual(['a/1 2', 'a/2 1'])
    expect(router.topics.records.messages(one ?? 0)).toBe(7)
    expect(router.topics.records.messages(two ?? 0)).toBe(6)
  })

  test('refuses to publish to what is not a topic name, with an error that says why', () => {
    const router = createRouter()
    const publish = (): number => router.publishMessage(message('a/+'))
    expect(publish).toThrow(HubbubError)
    expect(publish).toThrow(`Cannot publish: the topic name "a/+" is not valid: it must not contain '+' or '#'`)
  })

  test('explains why the bytes of a topic name were refused [MQTT-3.3.2-2]', () => {
    const router = createRouter()
    const bytes = Buffer.from('__a/#__')
    expect(router.resolve(bytes, 2, 5)).toBe(0)
    expect(router.explainInvalid(bytes, 2, 5)).toBe(`the topic name "a/#" is not valid: it must not contain '+' or '#'`)
  })
})

describe('Router with subscribers that leave in parts', () => {
  const NAMES = ['a', 'b', 'c'] as const
  const names = fc.constantFrom(...NAMES)
  const steps = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), name: names, filter: filters }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), name: names }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('goOn' as const), steps: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('publish' as const), topic: topics }) },
  )

  test('hands each message to those who are there, whatever is still in the tree of those who have gone', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60 }), (all) => {
        const router = createRouter()
        const there = new Map<string, { readonly listener: Listener; readonly filters: Set<string> }>()
        const gone: Listener[] = []
        const work: Iterator<void>[] = []
        function* leaving(listener: Listener, left: ReadonlySet<string>): Generator<void, void, undefined> {
          router.beginLeave(listener)
          for (const filter of left) {
            yield
            router.unsubscribe(listener, filter)
          }
          router.endLeave(listener)
        }
        for (const step of all) {
          if (step.kind === 'subscribe') {
            const one = there.get(step.name) ?? { listener: new Listener(), filters: new Set() }
            there.set(step.name, one)
            one.filters.add(step.filter)
            router.subscribe(one.listener, step.filter, plainOptions(0))
          } else if (step.kind === 'leave') {
            const one = there.get(step.name)
            if (one === undefined) continue
            there.delete(step.name)
            gone.push(one.listener)
            const left = leaving(one.listener, one.filters)
            left.next()
            work.push(left)
          } else if (step.kind === 'goOn') {
            for (let i = 0; i < step.steps; i++) if (work[0]?.next().done === true) work.shift()
          } else {
            const expected = NAMES.filter((name) =>
              [...(there.get(name)?.filters ?? [])].some((filter) => naiveMatches(filter, step.topic)),
            )
            for (const { listener } of there.values()) listener.received.length = 0
            const matched = router.publishMessage(message(step.topic))
            expect(NAMES.filter((name) => there.get(name)?.listener.received.length === 1)).toEqual(expected)
            expect(matched).toBe(expected.length)
            expect(router.subscribersOf(step.topic).length).toBe(expected.length)
            expect(gone.flatMap(({ received }) => received)).toEqual([])
          }
          for (const { listener } of there.values()) listener.received.length = 0
          for (const listener of gone) listener.received.length = 0
        }
      }),
      { numRuns: runs(300) },
    )
  })
})
