import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { unboundedMemory } from '../../../src/base/memory-budget.ts'
import { Message } from '../../../src/protocol/message.ts'
import { openRealDatabases } from './real-databases.ts'
import { PendingRetained } from '../../../src/store/disk/pending-retained.ts'
import { checked, CONTENT_START, readMessage } from '../../../src/store/disk/records.ts'
import { runs } from '../../support/runs.ts'

function message(topic: string, payload: string): Message {
  return Message.create(topic, Buffer.from(payload), 1, true, 'p')
}

/** A real database, and what waits for it. */
function openPending() {
  const { root, databases } = openRealDatabases()
  const { retained: database } = databases
  const stored = (): Map<string, string> =>
    new Map(
      Array.from(database.getRange(), ({ value }) => {
        const { topic, payload } = readMessage(checked(value, 'a message'), CONTENT_START)
        return [topic, payload.toString()]
      }),
    )
  const { queues: memory } = unboundedMemory()
  return { root, database, stored, memory }
}

test('PendingRetained writes many in parts, and of each topic the last change alone', async () => {
  const { root, database, stored, memory } = openPending()
  const pending = new PendingRetained({ retained: database }, memory)
  for (let round = 0; round < 3; round++) for (let i = 0; i < 2500; i++) pending.put(message(`t/${i}`, `${round}`))
  expect(pending.parts).toBe(2)
  await root.batch(() => pending.writeSome())
  expect(pending.parts).toBe(1)
  expect(stored().size).toBe(1000)
  for (let i = 0; i < 2500; i += 2) pending.remove(`t/${i}`)
  await root.batch(() => pending.write())
  expect(memory.bytes).toBeGreaterThan(100_000)
  pending.wasWritten()
  expect(memory).toMatchObject({ bytes: 0, heapBytes: 0 })
  expect(pending.parts).toBe(0)
  const expected = Array.from({ length: 1250 }, (_, i) => [`t/${2 * i + 1}`, '2'] as const)
  expect(stored()).toEqual(new Map(expected))
})

test('PendingRetained has stored what was put last, whatever came, was stored and was not', async () => {
  const { root, database, stored, memory } = openPending()
  const topic = fc.nat({ max: 40 }).map((i) => (i % 10 === 0 ? `${i}/`.padEnd(1500, 'é') : `t/${i}`))
  const payload = fc.oneof(
    fc.constantFrom('a', 'b', 'c'),
    fc.nat({ max: 3 }).map((i) => 'x'.repeat(i * 30_000)),
  )
  const change = fc.record({ kind: fc.constantFrom('put', 'put', 'remove'), topic, payload })
  const end = fc.constantFrom('stored', 'stored', 'not stored', 'part')
  const round = fc.tuple(fc.array(change, { maxLength: 60 }), fc.array(change, { maxLength: 10 }), end)
  const property = fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 8 }), async (rounds) => {
    await database.clearAsync()
    const pending = new PendingRetained({ retained: database }, memory)
    const model = new Map<string, string>()
    const make = (changes: readonly { kind: string; topic: string; payload: string }[]): void => {
      for (const one of changes) {
        if (one.kind === 'put') pending.put(message(one.topic, one.payload))
        else pending.remove(one.topic)
        if (one.kind === 'put') model.set(one.topic, one.payload)
        else model.delete(one.topic)
      }
    }
    for (const [before, meanwhile, outcome] of rounds) {
      make(before)
      const writing = root.batch(() => (outcome === 'part' ? pending.writeSome() : pending.write()))
      make(meanwhile)
      await writing
      if (outcome === 'stored') pending.wasWritten()
      if (outcome === 'not stored') pending.wasNotWritten()
    }
    await root.batch(() => pending.write())
    pending.wasWritten()
    expect(stored()).toEqual(model)
    expect(memory.bytes).toBe(0)
  })
  await fc.assert(property, { numRuns: runs(15) })
})
