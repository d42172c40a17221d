import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import type { QoS } from '../../src/protocol/packet-types.ts'
import type { QueueEntry, Store, StoredSession } from '../../src/store/store.ts'
import { until } from '../support/guard.ts'

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

function entry(sequence: number, fields: Partial<QueueEntry> = {}): QueueEntry {
  const message = Message.create(`t/${sequence}`, Buffer.from(`payload ${sequence}`), 1, false, 'publisher')
  return { sequence, message, qos: 1, isRetained: false, packetId: 0, isReleased: false, ...fields }
}

function describeMessage({ topic, payload, qos, retain }: Message): unknown {
  return { topic, payload: payload.toString('latin1'), qos, retain }
}

function describeSession({ clientId, subscriptions, entries, receivedIds }: StoredSession): ComparableSession {
  return {
    clientId,
    subscriptions: [...subscriptions].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    entries: Array.from(entries, ({ sequence, message, qos, isRetained, packetId, isReleased }) => {
      return { sequence, message: describeMessage(message), qos, isRetained, packetId, isReleased }
    }),
    receivedIds: [...receivedIds].toSorted((a, b) => a - b),
  }
}

interface ComparableSession {
  readonly clientId: string
  readonly subscriptions: unknown
  readonly entries: unknown
  readonly receivedIds: unknown
}

/** Everything a store gives back, in a form that can be compared. */
function contentOf(store: Store): unknown {
  const sessions = Array.from(store.sessions(), describeSession)
  const retained = [...store.retained()].toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
  return {
    sessions: sessions.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1)),
    retained: retained.map(describeMessage),
  }
}

const EMPTY = { sessions: [], retained: [] }

/** Proves the promises of `Store`, numbered as they are there, on any implementation. */
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

  /** Makes the changes in one turn and gives what is there after a restart. */
  async function contentAfter(change: (store: Store) => void): Promise<unknown> {
    const { store, restart } = await openStore()
    change(store)
    return contentOf(await restart())
  }

  describe(`${storeName} is a Store that`, () => {
    test('begins empty, with nothing to be stored', async () => {
      const { store } = await openStore()
      expect(contentOf(store)).toEqual(EMPTY)
      expect(store.openBatch).toBe(0)
    })

    test('takes changes in the order they are made [promise 1]', async () => {
      const content = await contentAfter((store) => {
        store.addSession('c')
        store.putSubscription('c', 'f', 0)
        store.putSubscription('c', 'f', 2)
        store.putSubscription('c', 'g', 1)
        store.removeSubscription('c', 'g')
        store.addReceivedId('c', 5)
        store.removeReceivedId('c', 5)
        store.addReceivedId('c', 5)
        store.putRetained(Message.create('r', Buffer.from('old'), 1, true, undefined))
        store.removeRetained('r')
        store.putRetained(Message.create('r', Buffer.from('new'), 0, true, undefined))
      })
      expect(content).toEqual({
        sessions: [{ clientId: 'c', subscriptions: [['f', 2]], entries: [], receivedIds: [5] }],
        retained: [{ topic: 'r', payload: 'new', qos: 0, retain: true }],
      })
    })

    test('has no open batch once everything is stored, and numbers that grow [promise 2]', async () => {
      const { store } = await openStore()
      const batches: number[] = []
      for (let i = 0; i < 5; i++) {
        store.addSession(`c${i}`)
        batches.push(store.openBatch)
        await until(
          () => store.openBatch === 0,
          () => `batch ${store.openBatch} to be stored`,
        )
      }
      const open = batches.filter((batch) => batch > 0)
      expect(open).toEqual(open.toSorted((a, b) => a - b))
      expect(new Set(open).size).toBe(open.length)
    })

    test('stores the changes of one turn as one batch [promise 2]', async () => {
      const { store } = await openStore()
      store.addSession('c')
      const first = store.openBatch
      for (let i = 1; i <= 100; i++) store.addEntry('c', entry(i))
      expect(store.openBatch).toBe(first)
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

    test('has a session with all that belongs to it after a restart, stored or still open at stop() [promise 4]', async () => {
      const content = await contentAfter((store) => {
        store.addSession('c')
        store.putSubscription('c', 'a/+', 1)
        store.putSubscription('c', '#', 2)
        store.addReceivedId('c', 65_535)
        store.addReceivedId('c', 1)
        store.addEntry('c', entry(1, { qos: 2, packetId: 9, isReleased: true }))
        store.addEntry('c', entry(2, { isRetained: true }))
        store.addSession('without anything')
      })
      expect(content).toEqual({
        sessions: [
          {
            clientId: 'c',
            subscriptions: [
              ['#', 2],
              ['a/+', 1],
            ],
            entries: [
              {
                sequence: 1,
                message: describeMessage(entry(1).message),
                qos: 2,
                isRetained: false,
                packetId: 9,
                isReleased: true,
              },
              {
                sequence: 2,
                message: describeMessage(entry(2).message),
                qos: 1,
                isRetained: true,
                packetId: 0,
                isReleased: false,
              },
            ],
            receivedIds: [1, 65_535],
          },
          { clientId: 'without anything', subscriptions: [], entries: [], receivedIds: [] },
        ],
        retained: [],
      })
    })

    test('gives entries back in the order of their sequence, past 10 and past 2^32 [promise 4]', async () => {
      const sequences = [1, 2, 9, 10, 11, 99, 100, 255, 256, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40]
      const { store, restart } = await openStore()
      store.addSession('c')
      for (const sequence of sequences) store.addEntry('c', entry(sequence))
      const [session] = [...(await restart()).sessions()]
      expect([...(session?.entries ?? [])].map(({ sequence }) => sequence)).toEqual(sequences)
    })

    test('knows the latest state of an entry, and none that was removed [promise 4]', async () => {
      const { store, restart } = await openStore()
      store.addSession('c')
      const entries = [entry(1), entry(2, { qos: 2 }), entry(3), entry(4)]
      for (const one of entries) store.addEntry('c', one)
      const [first, second] = entries
      if (first === undefined || second === undefined) throw new Error('there are four')
      second.packetId = 77
      store.updateEntry('c', second)
      second.isReleased = true
      store.updateEntry('c', second)
      store.removeEntry('c', first)
      const next = await restart()
      const [session] = [...next.sessions()]
      expect([...(session?.entries ?? [])]).toMatchObject([
        { sequence: 2, packetId: 77, isReleased: true },
        { sequence: 3, packetId: 0 },
        { sequence: 4, packetId: 0 },
      ])
    })

    test('goes on after a restart where it was: what is removed then stays removed [promise 4]', async () => {
      const { store, restart } = await openStore()
      store.addSession('c')
      for (let i = 1; i <= 3; i++) store.addEntry('c', entry(i))
      const second = await restart()
      const [session] = [...second.sessions()]
      const [oldest] = [...(session?.entries ?? [])]
      if (oldest !== undefined) second.removeEntry('c', oldest)
      second.addEntry('c', entry(4))
      const [last] = [...(await restart()).sessions()]
      expect([...(last?.entries ?? [])].map(({ sequence }) => sequence)).toEqual([2, 3, 4])
    })

    test('removes a session with all that belongs to it; one of the same client begins empty [promise 4]', async () => {
      const content = await contentAfter((store) => {
        for (const clientId of ['c', 'c2', 'C']) {
          store.addSession(clientId)
          store.putSubscription(clientId, 'f', 1)
          store.addEntry(clientId, entry(1))
          store.addReceivedId(clientId, 1)
        }
        store.removeSession('c')
        store.removeSession('C')
        store.addSession('C')
      })
      expect(content).toMatchObject({
        sessions: [
          { clientId: 'C', subscriptions: [], entries: [], receivedIds: [] },
          { clientId: 'c2', subscriptions: [['f', 1]], entries: [{ sequence: 1 }], receivedIds: [1] },
        ],
      })
    })

    test('holds a message for each session that waits for it, whoever is done first [promise 5]', async () => {
      const message = Message.create('t', Buffer.from('shared'), 2, false, undefined)
      const { store, restart } = await openStore()
      const own = ['a', 'b', 'c'].map((clientId) => ({ clientId, entry: entry(1, { message }) }))
      for (const one of own) {
        store.addSession(one.clientId)
        store.addEntry(one.clientId, one.entry)
      }
      store.putRetained(Message.create('t', Buffer.from('shared'), 2, true, undefined))
      for (const one of own.slice(0, 2)) store.removeEntry(one.clientId, one.entry)
      store.removeRetained('t')
      expect(contentOf(await restart())).toMatchObject({
        sessions: [
          { clientId: 'a', entries: [] },
          { clientId: 'b', entries: [] },
          { clientId: 'c', entries: [{ message: { topic: 't', payload: 'shared', qos: 2 } }] },
        ],
        retained: [],
      })
    })

    test('takes names and payloads of any kind and size [promise 4]', async () => {
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
      const payloads = [Buffer.alloc(0), Buffer.from([0, 255, 128]), Buffer.alloc(1_048_576, 'x')]
      const fill = (store: Store): void => {
        for (const name of names) {
          store.addSession(name)
          store.putSubscription(name, name, 1)
          if (name !== '') store.putRetained(Message.create(name, Buffer.from(`retained ${name}`), 1, true, name))
        }
        for (const [i, payload] of payloads.entries()) {
          store.addEntry('a/b', entry(i + 1, { message: Message.create('t', payload, 1, false, undefined) }))
        }
      }
      const { store, restart } = await openStore()
      fill(store)
      const before = contentOf(store)
      const after = await restart()
      expect(contentOf(after)).toEqual(before)
      expect(new Set(Array.from(after.sessions(), ({ clientId }) => clientId))).toEqual(new Set(names))
      expect([...after.retained()].map(({ topic }) => topic).toSorted()).toEqual(
        names.filter((n) => n !== '').toSorted(),
      )
      for (const name of names) {
        after.removeSession(name)
        after.removeRetained(name)
      }
      expect(contentOf(await restart())).toEqual(EMPTY)
    })

    test('ignores a change that concerns an unknown session [promise 6]', async () => {
      const content = await contentAfter((store) => {
        store.removeSession('nobody')
        store.putSubscription('nobody', 'f', 1)
        store.removeSubscription('nobody', 'f')
        store.addEntry('nobody', entry(1))
        store.updateEntry('nobody', entry(1))
        store.removeEntry('nobody', entry(1))
        store.addReceivedId('nobody', 1)
        store.removeReceivedId('nobody', 1)
        store.removeRetained('nothing')
      })
      expect(content).toEqual(EMPTY)
    })

    test('agrees with a plain model after any changes and restarts [promises 1 and 4]', async () => {
      const id = fc.constantFrom('a', 'b', 'ab')
      const change = fc.oneof(
        fc.record({ kind: fc.constant('session' as const), id, isAdded: fc.boolean() }),
        fc.record({
          kind: fc.constant('subscription' as const),
          id,
          filter: id,
          qos: fc.constantFrom<QoS | -1>(-1, 0, 2),
        }),
        fc.record({
          kind: fc.constant('receivedId' as const),
          id,
          packetId: fc.integer({ min: 1, max: 3 }),
          isAdded: fc.boolean(),
        }),
        fc.record({ kind: fc.constant('entry' as const), id }),
        fc.record({ kind: fc.constant('finish' as const), id }),
        fc.record({ kind: fc.constant('restart' as const) }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 40 }), async (changes) => {
          const data = createData()
          let store = data.open()
          await store.start(new Reports())
          const model = new Map<string, { filters: Map<string, QoS>; ids: Set<number>; entries: QueueEntry[] }>()
          let sequence = 0
          for (const step of changes) {
            if (step.kind === 'restart') {
              await store.stop()
              store = data.open()
              await store.start(new Reports())
              continue
            }
            const session = model.get(step.id)
            if (step.kind === 'session') {
              if (step.isAdded === (session !== undefined)) continue
              if (step.isAdded) store.addSession(step.id)
              else store.removeSession(step.id)
              if (step.isAdded) model.set(step.id, { filters: new Map(), ids: new Set(), entries: [] })
              else model.delete(step.id)
            } else if (step.kind === 'subscription') {
              if (step.qos === -1) store.removeSubscription(step.id, step.filter)
              else store.putSubscription(step.id, step.filter, step.qos)
              if (step.qos === -1) session?.filters.delete(step.filter)
              else session?.filters.set(step.filter, step.qos)
            } else if (step.kind === 'receivedId') {
              if (step.isAdded) store.addReceivedId(step.id, step.packetId)
              else store.removeReceivedId(step.id, step.packetId)
              if (step.isAdded) session?.ids.add(step.packetId)
              else session?.ids.delete(step.packetId)
            } else if (step.kind === 'entry') {
              const added = entry(++sequence)
              store.addEntry(step.id, added)
              session?.entries.push(added)
            } else {
              const finished = session?.entries.shift()
              if (finished !== undefined) store.removeEntry(step.id, finished)
            }
          }
          await store.stop()
          store = data.open()
          await store.start(new Reports())
          const found = contentOf(store)
          await store.stop()
          const sessions = [...model].map(([clientId, { filters, ids, entries }]) =>
            describeSession({ clientId, subscriptions: filters, entries, receivedIds: ids }),
          )
          expect(found).toEqual({
            sessions: sessions.toSorted((a, b) => (a.clientId < b.clientId ? -1 : 1)),
            retained: [],
          })
        }),
        { numRuns: 50 },
      )
    })
  })
}
