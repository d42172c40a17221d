import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import { plainOptions, type SubscriptionOptions } from '../../src/protocol/subscription-options.ts'
import type { SessionState, Store } from '../../src/store/store.ts'
import { until } from '../support/guard.ts'
import {
  EMPTY,
  hashOf,
  received,
  untilStored,
  numbered,
  terms,
  describeMessage,
  statesOf,
  retainedOf,
  stateOf,
  topicsOf,
} from './described.ts'
import { runs } from '../support/runs.ts'

/** Data that stores are opened on, one after another. */
export interface StoreData {
  /** A store on this data that is not started. One at a time. */
  open(): Store
}

/** What a store said to its listener. */
class Reports {
  readonly stored: number[] = []
  readonly failed: number[] = []
  isInsideChange = false

  onStored(batch: number): void {
    this.stored.push(this.isInsideChange ? Number.NaN : batch)
  }

  onFailed(batch: number): void {
    this.failed.push(batch)
  }
}

/** Proves the promises of `Store` and `SessionState`, numbered as they are there, on any implementation. */
export function testStore(storeName: string, createData: () => StoreData): void {
  /** Starts a store on new data, and gives a way to stop it and start the next one on the same data. */
  async function openStore(): Promise<{ store: Store; reports: Reports; restart: () => Promise<Store> }> {
    const data = createData()
    const reports = new Reports()
    let store = data.open()
    await store.start(reports)
    onTestFinished(async () => store.stop())
    const restart = async (): Promise<Store> => {
      await store.stop()
      store = data.open()
      await store.start(new Reports())
      return store
    }
    return { store, reports, restart }
  }

  describe(`${storeName} is a Store that`, () => {
    test('begins empty, with nothing to be stored', async () => {
      const { store } = await openStore()
      expect([statesOf(store), retainedOf(store), [...store.wills()]]).toEqual([[], [], []])
      expect(store.openBatch).toBe(0)
      expect(store.isFailing).toBe(false)
    })

    test('takes changes in the order they are made [promise 1]', async () => {
      const { store, restart } = await openStore()
      const state = store.addSession('c', Infinity)
      state.putSubscription('f', plainOptions(0))
      state.putSubscription('f', plainOptions(2))
      state.putSubscription('g', plainOptions(1))
      state.removeSubscription('g')
      state.addReceivedId(5, hashOf(5))
      state.removeReceivedId(5)
      state.addReceivedId(5, hashOf(5))
      store.putRetained(Message.create('r', Buffer.from('old'), 1, true, undefined))
      store.removeRetained('r')
      store.putRetained(Message.create('r', Buffer.from('new'), 0, true, undefined))
      const next = await restart()
      expect(statesOf(next)).toEqual([{ ...EMPTY, clientId: 'c', subscriptions: [['f', 2]], receivedIds: received(5) }])
      expect(retainedOf(next)).toMatchObject([{ topic: 'r', payload: 'new', qos: 0, retain: true }])
    })

    test('has no open batch once everything is stored, and numbers that grow [promise 2]', async () => {
      const { store } = await openStore()
      const batches: number[] = []
      for (let i = 0; i < 5; i++) {
        store.addSession(`c${i}`, Infinity)
        batches.push(store.openBatch)
        await untilStored(store)
      }
      const open = batches.filter((batch) => batch > 0)
      expect(open).toEqual(open.toSorted((a, b) => a - b))
      expect(new Set(open).size).toBe(open.length)
    })

    test('stores the changes of one turn as one batch [promise 2]', async () => {
      const { store } = await openStore()
      const state = store.addSession('c', Infinity)
      const first = store.openBatch
      for (let i = 1; i <= 100; i++) state.enqueue(numbered(i), terms(1))
      expect(store.openBatch).toBe(first)
    })

    test('counts changes, and nothing else [promise 2]', async () => {
      const { store } = await openStore()
      const before = store.changes
      const state = store.addSession('c', Infinity)
      const added = store.changes
      expect(added).toBeGreaterThan(before)
      expect([state.peekNext(), state.queuedMessages, [...state.subscriptions()], [...store.retained()]]).toHaveLength(
        4,
      )
      expect(store.changes).toBe(added)
      state.enqueue(numbered(1), terms(1))
      expect(store.changes).toBeGreaterThan(added)
    })

    test('reports each batch when it is stored, in order, never inside a change [promise 3]', async () => {
      const { store, reports } = await openStore()
      let latest = 0
      for (let i = 0; i < 20; i++) {
        reports.isInsideChange = true
        store.putRetained(Message.create(`r/${i}`, Buffer.from('x'), 1, true, undefined))
        reports.isInsideChange = false
        latest = store.openBatch
        if (i % 3 === 0) await new Promise(setImmediate)
      }
      // Zero says that everything was stored at once: then nothing is left to report.
      await until(
        () => latest === 0 || (reports.stored.at(-1) ?? 0) >= latest,
        () => `batch ${latest} to be reported, got ${reports.stored.join(', ')}`,
      )
      expect(reports.stored).not.toContain(Number.NaN)
      expect(reports.stored).toEqual(reports.stored.toSorted((a, b) => a - b))
      expect(reports.failed).toEqual([])
    })

    test('has all of a session after a restart, stored or still open at stop() [promise 5]', async () => {
      const { store, restart } = await openStore()
      const state = store.addSession('c', Infinity)
      state.putSubscription('a/+', plainOptions(1))
      state.putSubscription('#', plainOptions(2))
      state.addReceivedId(65_535, hashOf(65_535))
      state.addReceivedId(1, hashOf(1))
      state.addInFlight(9, numbered(1, 2), terms(2, false))
      state.addInFlight(3, numbered(2), terms(1, true))
      state.release(9)
      state.enqueue(numbered(3), terms(1))
      await untilStored(store)
      state.enqueue(numbered(4, 2), terms(2))
      state.setLeftAt(1_234_567_890_123)
      store.addSession('without anything', Infinity)
      const queuedBytes = numbered(3).packetBytes + numbered(4, 2).packetBytes
      expect(statesOf(await restart())).toEqual([
        {
          clientId: 'c',
          subscriptions: [
            ['#', 2],
            ['a/+', 1],
          ],
          inFlight: [
            { packetId: 9, qos: 2, isRetained: false, isReleased: true, message: 'released' },
            { packetId: 3, qos: 1, isRetained: true, isReleased: false, message: describeMessage(numbered(2)) },
          ],
          queued: [
            { message: describeMessage(numbered(3)), qos: 1 },
            { message: describeMessage(numbered(4, 2)), qos: 2 },
          ],
          queuedBytes,
          receivedIds: received(1, 65_535),
          leftAtMs: 1_234_567_890_123,
        },
        { ...EMPTY, clientId: 'without anything' },
      ])
    })

    test('gives a queue back in order, whatever was taken and stored in between [SessionState 1]', async () => {
      const { store, restart } = await openStore()
      let state = store.addSession('c', Infinity)
      for (let i = 1; i <= 500; i++) state.enqueue(numbered(i), terms(1))
      await untilStored(store)
      for (let i = 501; i <= 700; i++) {
        state.enqueue(numbered(i), terms(i % 2 === 0 ? 1 : 2))
        if (i % 50 === 0) await untilStored(store)
      }
      for (let i = 1; i <= 333; i++) {
        state.startNext(i)
        state.finish(i)
      }
      state = stateOf(await restart(), 'c')
      state.setLeftAt(0)
      for (let i = 701; i <= 710; i++) state.enqueue(numbered(i), terms(1))
      expect(topicsOf(state)).toEqual(Array.from({ length: 377 }, (_, i) => `t/${i + 334}`))
      expect(state.queuedBytes).toBe(0)
    })

    test('keeps packet identifiers and the order of what is in flight [SessionState 2]', async () => {
      const { store, restart } = await openStore()
      const state = store.addSession('c', Infinity)
      for (let i = 1; i <= 5; i++) state.enqueue(numbered(i, 2), terms(2))
      for (const packetId of [40, 3, 65_535]) state.startNext(packetId)
      await untilStored(store)
      state.finish(3)
      state.release(40)
      state.startNext(7)
      const next = stateOf(await restart(), 'c')
      const inFlight = Array.from(next.inFlight, ([packetId, sent]) => [packetId, sent.isReleased, sent.message?.topic])
      expect(inFlight.map(([packetId, isReleased]) => [packetId, isReleased])).toEqual([
        [40, true],
        [65_535, false],
        [7, false],
      ])
      expect(inFlight.slice(1).map(([, , topic]) => topic)).toEqual(['t/3', 't/4'])
      expect(topicsOf(next)).toEqual(['t/5'])
    })

    test('need not write what is finished before its batch goes down, and has none of it later [promise 6]', async () => {
      const { store, restart } = await openStore()
      const state = store.addSession('c', Infinity)
      for (let i = 1; i <= 200; i++) {
        state.enqueue(numbered(i), terms(1))
        state.startNext(1)
        state.finish(1)
        state.addInFlight(2, numbered(1000 + i), terms(1, false))
        state.finish(2)
      }
      state.enqueue(numbered(201), terms(1))
      expect(statesOf(await restart())).toMatchObject([{ inFlight: [], queued: [{ message: { topic: 't/201' } }] }])
    })

    test('goes on after a restart where it was: what is taken then stays taken [promise 5]', async () => {
      const { store, restart } = await openStore()
      const first = store.addSession('c', Infinity)
      for (let i = 1; i <= 3; i++) first.enqueue(numbered(i), terms(1))
      const second = stateOf(await restart(), 'c')
      second.dropNext()
      second.enqueue(numbered(4), terms(1))
      expect(topicsOf(stateOf(await restart(), 'c'))).toEqual(['t/2', 't/3', 't/4'])
    })

    test('removes a session with all that belongs to it; one of the same client begins empty [promise 5]', async () => {
      const { store, restart } = await openStore()
      const states = ['c', 'c2', 'C'].map((clientId) => {
        const state = store.addSession(clientId, Infinity)
        state.putSubscription('f', plainOptions(1))
        state.addInFlight(1, numbered(1), terms(1, false))
        state.enqueue(numbered(2), terms(1))
        state.addReceivedId(1, hashOf(1))
        return state
      })
      await untilStored(store)
      for (const state of states) if (state.clientId !== 'c2') store.removeSession(state)
      store.addSession('C', Infinity)
      const next = await restart()
      expect(statesOf(next)).toMatchObject([
        { clientId: 'C', subscriptions: [], inFlight: [], queued: [], receivedIds: [] },
        {
          clientId: 'c2',
          subscriptions: [['f', 1]],
          inFlight: [{ packetId: 1 }],
          queued: [{ qos: 1 }],
          receivedIds: received(1),
        },
      ])
    })

    test('holds a message for each session that waits for it, whoever is done first [SessionState 3]', async () => {
      const message = Message.create('t', Buffer.from('shared'), 2, false, undefined)
      const { store, restart } = await openStore()
      const states = ['a', 'b', 'c'].map((clientId) => store.addSession(clientId, Infinity))
      for (const state of states) state.enqueue(message, terms(2))
      store.putRetained(Message.create('t', Buffer.from('shared'), 2, true, undefined))
      await untilStored(store)
      for (const state of states.slice(0, 2)) state.dropNext()
      await untilStored(store)
      store.removeRetained('t')
      const next = await restart()
      expect(statesOf(next)).toMatchObject([
        { clientId: 'a', queued: [] },
        { clientId: 'b', queued: [] },
        { clientId: 'c', queued: [{ message: { topic: 't', payload: 'shared', qos: 2 } }] },
      ])
      expect(retainedOf(next)).toEqual([])
    })

    test('takes a message again that it has held and let go before [SessionState 3]', async () => {
      const message = Message.create('t', Buffer.from('again'), 1, false, undefined)
      const other = numbered(1)
      const { store, restart } = await openStore()
      const [first, second] = [store.addSession('a', Infinity), store.addSession('b', Infinity)]
      first.addInFlight(1, message, terms(1, true))
      second.enqueue(other, terms(1))
      first.finish(1)
      await untilStored(store)
      second.addInFlight(1, message, terms(1, true))
      await untilStored(store)
      first.enqueue(message, terms(1))
      expect(statesOf(await restart())).toMatchObject([
        { clientId: 'a', queued: [{ message: { payload: 'again' } }] },
        { clientId: 'b', inFlight: [{ message: { payload: 'again' } }], queued: [{ message: { topic: 't/1' } }] },
      ])
    })

    test('has thousands of retained messages that come and go within a turn [promise 5]', async () => {
      const { store, restart } = await openStore()
      const expected = new Map<string, string>()
      const put = (i: number, payload: string): void => {
        store.putRetained(Message.create(`t/${i}`, Buffer.from(payload), 1, true, undefined))
        expected.set(`t/${i}`, payload)
      }
      for (let i = 0; i < 3500; i++) put(i, 'first')
      await new Promise(setImmediate)
      for (let i = 0; i < 3500; i += 2) put(i, 'second')
      for (let i = 0; i < 3500; i += 3) {
        store.removeRetained(`t/${i}`)
        expected.delete(`t/${i}`)
      }
      store.addSession('c', Infinity)
      await untilStored(store)
      const next = await restart()
      expect(new Map(Array.from(next.retained(), ({ topic, payload }) => [topic, payload.toString()]))).toEqual(
        expected,
      )
      expect(statesOf(next)).toHaveLength(1)
    })

    test('keeps publisher and expiry of messages, and wills by client [promise 5]', async () => {
      const { store, restart } = await openStore()
      const message = Message.create('t', Buffer.from('x'), 1, false, 'Küche/🙂')
      message.expiresAtMs = 1_700_000_000_000.5
      const state = store.addSession('c', Infinity)
      state.enqueue(message, terms(1))
      state.setUser('Küche')
      for (const clientId of ['a', 'b', 'b', 'c'.repeat(3000)]) {
        const will = Message.create(`gone/${clientId[0]}`, Buffer.from('w'), 1, true, clientId)
        const [user, delaySeconds] = clientId === 'b' ? ['user b', 7] : [undefined, 0]
        store.putWill({ clientId, user, isCertified: clientId === 'b', message: will, delaySeconds })
      }
      store.removeWill('a')
      const next = await restart()
      expect(statesOf(next)).toMatchObject([{ user: 'Küche', queued: [{ message: describeMessage(message) }] }])
      const wills = Array.from(next.wills(), ({ clientId, user, isCertified, message: { topic }, delaySeconds }) => [
        clientId.length,
        isCertified ? user : undefined,
        topic,
        delaySeconds,
      ])
      expect(wills.toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
        [1, 'user b', 'gone/b', 7],
        [3000, undefined, 'gone/c', 0],
      ])
    })

    test('keeps how each message goes out, options of subscriptions, expiries and groups [promise 5]', async () => {
      const { store, restart } = await openStore()
      const options: SubscriptionOptions = {
        qos: 1,
        isNoLocal: true,
        isRetainAsPublished: true,
        identifier: 268_435_455,
      }
      const properties = Buffer.from([38, 0, 1, 0x61, 0, 1, 0x62])
      const state = store.addSession('c', 60)
      state.setExpiry(3600)
      state.putSubscription('f/#', options)
      state.addInFlight(1, numbered(1), { qos: 1, isRetained: true, identifiers: [1, 70_000] })
      state.addInFlight(2, numbered(2), terms(2))
      const message = Message.create('t', Buffer.from('x'), 1, false, 'p', properties)
      message.expiresAtMs = 1_900_000_000_000
      message.isExpiryForwarded = true
      for (const identifiers of [[5], [5], [], [5, 6]])
        state.enqueue(message, { qos: 1, isRetained: false, identifiers })
      state.enqueue(message, { qos: 1, isRetained: true, identifiers: [] })
      state.addReceivedId(4, hashOf(4))
      const group = store.addGroup('$share/g/t')
      group.enqueue(message, terms(1))
      const next = await restart()
      const states = [...next.sessions()].toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1))
      expect(states.map(({ clientId, isGroup, expirySeconds }) => [clientId, isGroup, expirySeconds])).toEqual([
        ['$share/g/t', true, Infinity],
        ['c', false, 3600],
      ])
      expect(states[0]?.peekNext()).toMatchObject({
        isVersion5: true,
        isExpiryForwarded: true,
        expiresAtMs: 1_900_000_000_000,
      })
      const found = states[1]
      expect(found === undefined ? [] : [...found.subscriptions()]).toEqual([['f/#', options]])
      expect(Array.from(found?.inFlight ?? [], ([id, sent]) => [id, sent.isRetained, sent.identifiers])).toEqual([
        [1, true, [1, 70_000]],
        [2, false, []],
      ])
      expect([...(found?.receivedIds ?? [])]).toEqual(received(4))
      const queued: unknown[] = []
      for (let packetId = 100; packetId < 105; packetId++) {
        const body = found?.peekNext()
        const { identifiers, isRetained } = found?.startNext(packetId) ?? {}
        queued.push([identifiers, isRetained, body?.bytes.subarray(body.propertiesStart, body.payloadStart)])
      }
      expect(queued).toEqual([
        [[5], false, properties],
        [[5], false, properties],
        [[], false, properties],
        [[5, 6], false, properties],
        [[], true, properties],
      ])
    })

    test('takes names and payloads of any kind and size [promise 5]', async () => {
      const names = [
        '',
        ' ',
        '/',
        'a/b',
        'Дом/🙂',
        '\uFEFF',
        'x'.repeat(1979),
        'ы'.repeat(32_767),
        '\u0001\uFFFF',
        '$SYS',
      ]
      const payloads = [
        Buffer.alloc(0),
        Buffer.from([0, 255, 128]),
        Buffer.alloc(1_048_576, 'x'),
        Buffer.alloc(5000, 'y'),
      ]
      const { store, restart } = await openStore()
      for (const name of names) {
        const state = store.addSession(name, Infinity)
        state.putSubscription(name, plainOptions(1))
        if (name !== '') store.putRetained(Message.create(name, Buffer.from(`retained ${name}`), 1, true, name))
        for (const payload of payloads) state.enqueue(Message.create('t', payload, 1, false, undefined), terms(1))
      }
      const after = await restart()
      for (const { clientId, subscriptions, queued } of statesOf(after)) {
        expect(names).toContain(clientId)
        expect(subscriptions).toEqual([[clientId, 1]])
        expect(queued).toMatchObject(payloads.map((payload) => ({ message: { payload: payload.toString('latin1') } })))
      }
      expect([...after.retained()].map(({ topic }) => topic).toSorted()).toEqual(
        names.filter((n) => n !== '').toSorted(),
      )
      for (const state of Array.from(after.sessions())) after.removeSession(state)
      for (const name of names) after.removeRetained(name)
      const empty = await restart()
      expect([statesOf(empty), retainedOf(empty)]).toEqual([[], []])
    })

    test('agrees with a plain model after any changes, batches and restarts [promises 1 and 5]', async () => {
      const client = fc.constantFrom('a', 'b', 'ab')
      const packetId = fc.integer({ min: 1, max: 4 })
      const change = fc.oneof(
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('session' as const), client, isAdded: fc.boolean() }) },
        {
          weight: 1,
          arbitrary: fc.record({
            kind: fc.constant('subscription' as const),
            client,
            filter: client,
            qos: fc.constantFrom<QoS | -1>(-1, 0, 2),
          }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('receivedId' as const), client, packetId }) },
        {
          weight: 4,
          arbitrary: fc.record({
            kind: fc.constant('enqueue' as const),
            client,
            count: fc.integer({ min: 1, max: 150 }),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({ kind: fc.constant('take' as const), client, count: fc.integer({ min: 1, max: 200 }) }),
        },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant('start' as const), client, packetId }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('send' as const), client, packetId }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), client, packetId }) },
        { weight: 2, arbitrary: fc.record({ kind: fc.constant('finish' as const), client, packetId }) },
        {
          weight: 2,
          arbitrary: fc.record({ kind: fc.constantFrom('turn' as const, 'stored' as const, 'away' as const), client }),
        },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), client }) },
      )
      interface Model {
        filters: Map<string, QoS>
        ids: Set<number>
        queue: number[]
        inFlight: Map<number, number | 'released'>
      }
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 60 }), async (changes) => {
          const data = createData()
          let store = data.open()
          await store.start(new Reports())
          const states = new Map<string, SessionState>()
          const model = new Map<string, Model>()
          let number = 0
          const restart = async (): Promise<void> => {
            await store.stop()
            store = data.open()
            await store.start(new Reports())
            states.clear()
            for (const state of store.sessions()) states.set(state.clientId, state)
          }
          for (const step of changes) {
            const state = states.get(step.client)
            const expected = model.get(step.client)
            if (step.kind === 'restart') {
              await restart()
            } else if (step.kind === 'turn') {
              await new Promise(setImmediate)
            } else if (step.kind === 'stored') {
              await untilStored(store)
            } else if (state === undefined || expected === undefined) {
              if (step.kind !== 'session') continue
              states.set(step.client, store.addSession(step.client, Infinity))
              model.set(step.client, { filters: new Map(), ids: new Set(), queue: [], inFlight: new Map() })
            } else if (step.kind === 'session') {
              if (step.isAdded) continue
              store.removeSession(state)
              states.delete(step.client)
              model.delete(step.client)
            } else if (step.kind === 'subscription') {
              if (step.qos === -1) state.removeSubscription(step.filter)
              else state.putSubscription(step.filter, plainOptions(step.qos))
              if (step.qos === -1) expected.filters.delete(step.filter)
              else expected.filters.set(step.filter, step.qos)
            } else if (step.kind === 'receivedId') {
              if (expected.ids.delete(step.packetId)) state.removeReceivedId(step.packetId)
              else state.addReceivedId(step.packetId, hashOf(step.packetId))
              if (state.receivedIds.has(step.packetId)) expected.ids.add(step.packetId)
            } else if (step.kind === 'enqueue') {
              // The same message goes to every session now and then, as a fan-out does.
              const message = numbered(++number)
              for (let i = 0; i < step.count; i++) {
                const one = i === 0 ? message : numbered(++number)
                state.enqueue(one, terms(1))
                expected.queue.push(number)
              }
              for (const [other, { queue }] of model) {
                if (other === step.client || step.count % 3 !== 0) continue
                states.get(other)?.enqueue(message, terms(1))
                queue.push(number - step.count + 1)
              }
            } else if (step.kind === 'take') {
              for (let i = 0; i < step.count && expected.queue.length > 0; i++) {
                expect(state.peekNext()?.topic).toBe(`t/${expected.queue.shift()}`)
                state.dropNext()
              }
            } else if (step.kind === 'start') {
              const next = expected.inFlight.has(step.packetId) ? undefined : expected.queue.shift()
              if (next === undefined) continue
              state.startNext(step.packetId)
              expected.inFlight.set(step.packetId, next)
            } else if (step.kind === 'send') {
              if (expected.inFlight.has(step.packetId)) continue
              state.addInFlight(step.packetId, numbered(++number), terms(2, false))
              expected.inFlight.set(step.packetId, number)
            } else if (step.kind === 'release') {
              if (!expected.inFlight.has(step.packetId)) continue
              state.release(step.packetId)
              expected.inFlight.set(step.packetId, 'released')
            } else if (step.kind === 'finish') {
              if (expected.inFlight.delete(step.packetId)) state.finish(step.packetId)
            } else {
              state.setLeftAt(1)
            }
          }
          await restart()
          const found = statesOf(store).map(({ clientId, subscriptions, inFlight, queued, receivedIds }) => {
            return { clientId, subscriptions, inFlight, queued, receivedIds }
          })
          await store.stop()
          const wanted = [...model].map(([clientId, { filters, ids, queue, inFlight }]) => ({
            clientId,
            subscriptions: [...filters].toSorted(([a], [b]) => (a < b ? -1 : 1)),
            inFlight: Array.from(inFlight, ([id, sent]) =>
              sent === 'released'
                ? { packetId: id, isReleased: true }
                : { packetId: id, isReleased: false, message: { topic: `t/${sent}` } },
            ),
            queued: queue.map((n) => ({ message: { topic: `t/${n}` }, qos: 1 })),
            receivedIds: received(...[...ids].toSorted((a, b) => a - b)),
          }))
          expect(found).toMatchObject(wanted.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1)))
        }),
        { numRuns: runs(12) },
      )
    }, 60_000)
  })
}
