import { type MemoryBudget, unboundedMemory } from '../../../src/base/memory-budget.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DropReason } from '../../../src/protocol/drop-reasons.ts'
import { Message } from '../../../src/protocol/message.ts'
import { NewestOfTopic, QueueInMemory, QueueInState } from '../../../src/session/outgoing/waiting-orders.ts'
import { type QueueLimits, type WaitingOrder, WaitingRoom } from '../../../src/session/outgoing/waiting-room.ts'
import { DiskStore } from '../../../src/store/disk/disk-store.ts'
import { UnreadStore } from '../../../src/store/memory/unread-store.ts'
import { TransientSession } from '../../../src/store/memory/memory-session.ts'
import type { Store } from '../../../src/store/store.ts'
import { NO_IDENTIFIERS, termsOf } from '../../../src/store/terms.ts'
import { type Outcome, Trail } from '../../../src/trails/trail.ts'
import { SetClock } from '../../history/stage.ts'
import { runs } from '../../support/runs.ts'
import { CollectingLog } from '../../support/start-hub.ts'

type Step =
  | {
      readonly kind: 'push'
      readonly topic: number
      readonly payloadBytes: number
      /** 0: never. */
      readonly expiresInMs: number
      readonly isFollowed: boolean
    }
  | { readonly kind: 'look' }
  | { readonly kind: 'take' }
  | { readonly kind: 'wait'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('push' as const),
      topic: fc.nat(4),
      payloadBytes: fc.nat(60),
      expiresInMs: fc.constantFrom(0, 0, 5, 20),
      isFollowed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('take' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(10) }) },
)

const limits: fc.Arbitrary<QueueLimits> = fc.record({
  maxQueuedMessages: fc.constantFrom(1, 3, 10, Infinity),
  maxQueuedBytes: fc.constantFrom(30, 100, 300, Infinity),
  queuePolicy: fc.constantFrom('drop-oldest', 'drop-newest', 'disconnect'),
})

/** A message as the test sees it. */
interface Modelled {
  readonly message: Message
  readonly number: number
}

/** What a room tells its owner. */
class Owner {
  readonly dropped: Partial<Record<DropReason, number>> = {}
  overflows = 0

  drop(reason: DropReason, count: number): void {
    this.dropped[reason] = (this.dropped[reason] ?? 0) + count
  }

  queueOverflowed(): void {
    this.overflows++
  }
}

/** What trails are told, by the number of their message. */
class Told {
  readonly outcomes = new Map<number, string[]>()

  follow(number: number, message: Message): Trail {
    const told: string[] = []
    this.outcomes.set(number, told)
    const owner = {
      afterMs: () => 0,
      told: (trail: Trail, outcome: Outcome) => void told.push(outcome, ...trail.steps.flatMap(reasonOf)),
    }
    return new Trail(message, 0, owner)
  }
}

function reasonOf({ reason }: { readonly reason: DropReason | undefined }): DropReason[] {
  return reason === undefined ? [] : [reason]
}

/** A waiting room as an array of messages: what it is held against. */
class Model extends Owner {
  waiting: Modelled[] = []
  readonly outcomes = new Map<number, string[]>()
  readonly #limits: QueueLimits
  readonly #isNewestOfTopic: boolean

  constructor(of: QueueLimits, isNewestOfTopic: boolean) {
    super()
    this.#limits = of
    this.#isNewestOfTopic = isNewestOfTopic
  }

  push(one: Modelled, isFollowed: boolean): void {
    if (isFollowed) this.outcomes.set(one.number, [])
    if (this.#limits.queuePolicy === 'drop-oldest') {
      while (this.waiting.length > 0 && !this.#fits(one)) this.#dropFirst('queue-full')
    }
    if (!this.#fits(one)) {
      this.#drop(one, 'queue-full')
      if (this.#limits.queuePolicy === 'disconnect') this.overflows++
      return
    }
    const older = this.waiting.find((other) => this.#isReplaced(other, one))
    this.waiting = [...this.waiting.filter((other) => other !== older), one]
    this.outcomes.get(one.number)?.push('queued')
    if (older !== undefined) this.#drop(older, 'replaced')
  }

  next(nowMs: number): Modelled | undefined {
    for (let [first] = this.waiting; first !== undefined; [first] = this.waiting) {
      const { expiresAtMs } = first.message
      if (expiresAtMs === 0 || expiresAtMs > nowMs) return first
      this.#dropFirst('expired')
    }
    return undefined
  }

  dropAll(reason: DropReason): void {
    for (const one of this.waiting) this.#drop(one, reason)
  }

  #isReplaced(older: Modelled, newer: Modelled): boolean {
    return this.#isNewestOfTopic && older.message.topic === newer.message.topic
  }

  #fits(one: Modelled): boolean {
    const others = this.waiting.filter((other) => !this.#isReplaced(other, one))
    const bytes = others.reduce((sum, other) => sum + other.message.packetBytes, one.message.packetBytes)
    return others.length < this.#limits.maxQueuedMessages && bytes <= this.#limits.maxQueuedBytes
  }

  #dropFirst(reason: DropReason): void {
    const first = this.waiting.shift()
    if (first !== undefined) this.#drop(first, reason)
  }

  #drop({ number }: Modelled, reason: DropReason): void {
    this.drop(reason, 1)
    this.outcomes.get(number)?.push('dropped', reason)
  }
}

/** Goes the same steps with a room and with its model and compares what can be seen of both. */
function compare<T>(
  order: WaitingOrder<T>,
  memory: MemoryBudget,
  take: (room: WaitingRoom<T>) => unknown,
  steps: readonly Step[],
  of: QueueLimits,
): void {
  const clock = new SetClock()
  const owner = new Owner()
  const room = new WaitingRoom(owner, order, { limits: of, clock, memory })
  const model = new Model(of, order instanceof NewestOfTopic)
  const told = new Told()
  let number = 0
  for (const next of steps) {
    if (next.kind === 'push') {
      const message = Message.create(
        `t/${next.topic}`,
        Buffer.from(`${++number}`.padEnd(next.payloadBytes)),
        1,
        false,
        'p',
      )
      if (next.expiresInMs > 0) message.expiresAtMs = clock.nowMs() + next.expiresInMs
      const trail = next.isFollowed ? told.follow(number, message) : undefined
      room.push(message, termsOf(1, false, NO_IDENTIFIERS), trail?.at('c', undefined, 1))
      model.push({ message, number }, next.isFollowed)
    } else if (next.kind === 'wait') {
      clock.pass(next.ms)
    } else {
      const first = model.next(clock.nowMs())
      expect(room.next()?.payload).toEqual(first?.message.payload)
      const isFollowed = first !== undefined && model.outcomes.has(first.number)
      expect(room.nextFollowed !== undefined).toBe(isFollowed)
      if (next.kind === 'take') {
        take(room)
        model.waiting.shift()
      }
    }
    expect(room.messages).toBe(model.waiting.length)
    expect(room.isEmpty).toBe(model.waiting.length === 0)
    const heldBytes = model.waiting.reduce((sum, { message }) => sum + message.packetBytes, 0)
    if (!isOnDisk(order)) expect(memory.queues.bytes - memory.queues.heapBytes).toBe(heldBytes)
    expect(order.bytes).toBe(model.waiting.reduce((sum, { message }) => sum + message.packetBytes, 0))
    expect(told.outcomes).toEqual(model.outcomes)
  }
  room.dropAll('session-ended')
  model.dropAll('session-ended')
  expect(told.outcomes).toEqual(model.outcomes)
  expect(owner.dropped).toEqual(model.dropped)
  expect(owner.overflows).toBe(model.overflows)
  endState(order)
  if (!isOnDisk(order)) expect(memory.queues).toMatchObject({ bytes: 0, heapBytes: 0 })
}

/** What is in memory of a queue on disk is not only what waits. */
function isOnDisk(order: WaitingOrder<unknown>): boolean {
  return order instanceof QueueInState && !(order.state instanceof TransientSession)
}

/** A state lets go of what it holds when its session ends. */
function endState(order: WaitingOrder<unknown>): void {
  if (order instanceof QueueInState && order.state instanceof TransientSession) order.state.end()
}

/** Runs the property over the queue of a state, taken once by moving the message into flight, once by letting it go. */
function compareInState(
  queue: QueueInState,
  memory: MemoryBudget,
  isStarted: boolean,
  steps: readonly Step[],
  of: QueueLimits,
): void {
  let packetId = 0
  const take = (room: WaitingRoom<void>): unknown => {
    if (room.next() === undefined) return undefined
    if (!isStarted) return room.take()
    queue.start(++packetId)
    queue.state.finish(packetId)
    return undefined
  }
  compare(queue, memory, take, steps, of)
}

const run = { numRuns: runs(60) }

describe('WaitingRoom drops, counts, tells and gives out as an array of messages would', () => {
  test('first in, first out, in memory', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limits, (steps, of) => {
        const memory = unboundedMemory()
        compare(new QueueInMemory(memory.queues), memory, (room) => room.take(), steps, of)
      }),
      run,
    )
  })

  test('the newest of each topic', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limits, (steps, of) => {
        const memory = unboundedMemory()
        compare(new NewestOfTopic(memory.queues), memory, (room) => room.take(), steps, of)
      }),
      run,
    )
  })

  test('first in, first out, in the state of a session that ends with its connection', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limits, fc.boolean(), (steps, of, isStarted) => {
        const memory = unboundedMemory()
        compareInState(new QueueInState(new TransientSession('c', false, memory.queues)), memory, isStarted, steps, of)
      }),
      run,
    )
  })

  test('first in, first out, in the state of a kept session', () => {
    const memory = unboundedMemory()
    const store = new UnreadStore(memory.queues)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limits, fc.boolean(), (steps, of, isStarted) =>
        compareInState(new QueueInState(store.addSession('c', 100)), memory, isStarted, steps, of),
      ),
      run,
    )
  })

  test('first in, first out, on disk', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hubbub-waiting-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const memory = unboundedMemory()
    const store: Store = new DiskStore({ folder, durability: 'memory', log: new CollectingLog(), memory })
    await store.start({ onStored: () => undefined, onFailed: () => undefined })
    let sessions = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limits, fc.boolean(), (steps, of, isStarted) => {
        const state = store.addSession(`c${++sessions}`, 100)
        compareInState(new QueueInState(state), memory, isStarted, steps, of)
        store.removeSession(state)
      }),
      { numRuns: runs(30) },
    )
    await store.stop()
    expect(memory.queues).toMatchObject({ bytes: 0, heapBytes: 0 })
  })
})

describe('QueueInState', () => {
  test('follows 256 messages of a queue and tells of no others', () => {
    const order = new QueueInState(new TransientSession('c'))
    const room = new WaitingRoom(new Owner(), order, {
      limits: { maxQueuedMessages: Infinity, maxQueuedBytes: Infinity, queuePolicy: 'drop-oldest' },
      clock: new SetClock(),
      memory: unboundedMemory(),
    })
    const told = new Told()
    for (let number = 0; number < 300; number++) {
      const message = Message.create('t', Buffer.from('x'), 1, false, 'p')
      room.push(message, termsOf(1, false, NO_IDENTIFIERS), told.follow(number, message).at('c', undefined, 1))
    }
    room.dropAll('session-ended')
    expect(told.outcomes.get(255)).toEqual(['queued', 'dropped', 'session-ended'])
    expect(told.outcomes.get(256)).toEqual([])
  })

  test('drops what its state cannot read any more as damaged', () => {
    const state = new TransientSession('c')
    const owner = new Owner()
    const room = new WaitingRoom(owner, new QueueInState(state), {
      limits: { maxQueuedMessages: Infinity, maxQueuedBytes: Infinity, queuePolicy: 'drop-oldest' },
      clock: new SetClock(),
      memory: unboundedMemory(),
    })
    for (const payload of ['1', '2']) {
      room.push(Message.create('t', Buffer.from(payload), 1, false, 'p'), termsOf(1, false, NO_IDENTIFIERS), undefined)
    }
    const read = state.peekNext.bind(state)
    let looks = 0
    state.peekNext = () => (++looks === 1 ? undefined : read())
    expect(room.next()?.payload.toString()).toBe('2')
    expect(owner.dropped).toEqual({ damaged: 1 })
  })
})
