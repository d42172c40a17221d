import { expect, test } from 'vitest'
import { unboundedMemory } from '../../../src/base/memory-budget.ts'
import { openRealDatabases } from './real-databases.ts'
import { PendingMessages } from '../../../src/store/disk/pending-messages.ts'

/** Texts on their way to a real database. */
function openPending() {
  const { root, databases } = openRealDatabases()
  const { queues: memory } = unboundedMemory()
  const encoding = { encode: (text: string) => Buffer.from(text), packetBytes: (text: string) => text.length }
  const pending = new PendingMessages(databases, encoding, memory)
  const stored = (): string[] =>
    Array.from(databases.wills.getRange(), ({ key, value }) => `${key.toString()} ${value.toString()}`)
  return { root, pending, stored, memory }
}

test('PendingMessages has what was not stored in the next batch, unless there is something newer', async () => {
  const { root, pending, stored, memory } = openPending()
  for (let i = 0; i < 1500; i++) pending.set(`${i}`, 'old')
  const breaking = async () =>
    root.batch(() => {
      pending.write()
      throw new Error('broken')
    })
  await expect(breaking()).rejects.toThrow('broken')
  pending.set('1', 'new')
  pending.set('2', undefined)
  pending.wasNotWritten()
  await root.batch(() => pending.write())
  pending.wasWritten()
  // Nothing that is stored comes again.
  await root.batch(() => pending.set('1', 'newer'))
  pending.wasNotWritten()
  await root.batch(() => pending.write())
  pending.wasWritten()
  expect(memory).toMatchObject({ bytes: 0, heapBytes: 0 })
  expect(stored()).toHaveLength(1499)
  expect(stored()).toContain('0 old')
  expect(stored()).toContain('1 newer')
})
