import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { HandshakeTurn, type WaitingHandshake } from '../../../src/listeners/tls/handshake-turn.ts'

/** Handshakes that write down when they are begun, by name. */
class Begun {
  readonly names: string[] = []

  make(host: string, name = host): WaitingHandshake & { isOver: boolean } {
    return { host, isOver: false, begin: () => void this.names.push(name) }
  }
}

test('HandshakeTurn begins two in a turn of the event loop, and eight at most before one is finished', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const [turn, begun] = [new HandshakeTurn(), new Begun()]
  const all = Array.from({ length: 20 }, (_, i) => begun.make('a', String(i)))
  for (const handshake of all) turn.enter(handshake)
  const counts: number[] = []
  for (let i = 0; i < 6; i++) {
    counts.push(begun.names.length)
    await nextTurn()
  }
  expect(counts).toEqual([0, 2, 4, 6, 8, 8])
  for (const handshake of all.slice(0, 3)) turn.leave(handshake)
  for (let i = 0; i < 6; i++) await nextTurn()
  expect(begun.names).toEqual(Array.from({ length: 11 }, (_, i) => String(i)))
})

test('HandshakeTurn gives each address its turn, however many handshakes another asks for', async () => {
  const [turn, begun] = [new HandshakeTurn(), new Begun()]
  const many = Array.from({ length: 1000 }, (_, i) => begun.make('a', `a${i}`))
  for (const handshake of many) turn.enter(handshake)
  const one = begun.make('b')
  turn.enter(one)
  turn.enter(begun.make('c'))
  await vi.waitFor(() => expect(begun.names.length).toBeGreaterThanOrEqual(4))
  expect(begun.names.slice(0, 4)).toEqual(['a0', 'b', 'c', 'a1'])
  for (const handshake of many) handshake.isOver = true
  for (const handshake of [...many, one]) turn.leave(handshake)
})

test('HandshakeTurn begins none whose client is gone, and waits for none that waits for its client', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const [turn, begun] = [new HandshakeTurn(), new Begun()]
  const slow = Array.from({ length: 8 }, (_, i) => begun.make('slow', `slow${i}`))
  for (const handshake of slow) turn.enter(handshake)
  const gone = begun.make('b', 'gone')
  gone.isOver = true
  turn.enter(gone)
  turn.enter(begun.make('b', 'there'))
  for (let i = 0; i < 10; i++) await nextTurn()
  expect(begun.names).toEqual(['slow0', 'there', ...slow.slice(1, 7).map((_, i) => `slow${i + 1}`)])
  vi.advanceTimersByTime(10)
  for (let i = 0; i < 3; i++) await nextTurn()
  expect(begun.names.at(-1)).toBe('slow7')
})
