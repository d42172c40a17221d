import { expect, test } from 'vitest'
import { Message } from '../../../src/protocol/message.ts'
import { MemoryStore } from '../../../src/store/memory/memory-store.ts'
import { testStore } from '../../contract/store.ts'

// What it holds lives as long as the object, so a restart is one of the same object.
testStore('MemoryStore', () => {
  const store = new MemoryStore()
  return { open: () => store }
})

test('MemoryStore has stored a change when the call returns, so that no acknowledgement waits', () => {
  const store = new MemoryStore()
  store.addSession('c', Infinity)
  store.putRetained(Message.create('t', Buffer.from('x'), 1, true, undefined))
  expect(store.openBatch).toBe(0)
})
