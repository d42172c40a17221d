import { expect, onTestFinished, test, vi } from 'vitest'
import { Undo } from '../../src/admin/undo.ts'
import { Message } from '../../src/protocol/message.ts'

const MESSAGE = Message.create('a', Buffer.from('x'), 0, true, undefined)
const MIB = 1024 ** 2

test('Undo gives what was deleted back once', () => {
  const undo = new Undo()
  const kept = undo.keep([MESSAGE], 10)
  expect(undo.take(kept?.token ?? '')).toEqual([MESSAGE])
  expect(undo.take(kept?.token ?? '')).toBeUndefined()
  expect(undo.take('unknown')).toBeUndefined()
})

test('Undo forgets after an hour', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const undo = new Undo()
  const kept = undo.keep([MESSAGE], 10)
  vi.advanceTimersByTime(3_599_999)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(1)
  expect(undo.take(kept?.token ?? '')).toBeUndefined()
})

test('Undo keeps at most 64 MiB: the oldest go, and what is larger is not kept', () => {
  const undo = new Undo()
  const tokens = [40, 20, 30].map((size) => undo.keep([MESSAGE], size * MIB)?.token ?? '')
  expect(tokens.map((token) => undo.take(token) !== undefined)).toEqual([false, true, true])
  expect(undo.keep([MESSAGE], 65 * MIB)).toBeUndefined()
  undo.stop()
})
