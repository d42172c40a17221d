import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_IN_FLIGHT, Outbox, type Outgoing } from '../../devices/network/outbox.ts'
import { runs } from '../support/runs.ts'

function message(name: string): Outgoing {
  return { topic: name, payload: '', qos: 1, retain: false }
}

/** A network that answers when told. */
class Network {
  readonly sent: { readonly topic: string; readonly done: (error?: Error) => void }[] = []
  readonly outbox = new Outbox(({ topic }, done) => this.sent.push({ topic, done }))
}

class Refused extends Error {
  readonly code = 0x87
}

describe('Outbox', () => {
  test('sends nothing before it is open, and then no more at once than the window', () => {
    const { outbox, sent } = new Network()
    for (let i = 0; i < 30; i++) outbox.push(message(`m${i}`))
    expect(sent).toHaveLength(0)
    outbox.open(4)
    expect(sent.map(({ topic }) => topic)).toEqual(['m0', 'm1', 'm2', 'm3'])
    sent[0]?.done()
    expect(sent).toHaveLength(5)
    outbox.open(65_535)
    expect(sent).toHaveLength(1 + MAX_IN_FLIGHT)
  })

  test('keeps what is in flight when the connection is lost, and sends it once more for a new client', () => {
    const { outbox, sent } = new Network()
    outbox.open(2)
    for (const name of ['a', 'b', 'c']) outbox.push(message(name))
    outbox.reclaim()
    outbox.open(10)
    expect(sent.map(({ topic }) => topic)).toEqual(['a', 'b', 'a', 'b', 'c'])
    for (const { done } of sent.slice(2)) done()
    expect(outbox.acknowledged).toBe(3)
    expect(outbox.pending).toBe(0)
  })

  test('counts a refused message as lost and goes on; one that never left is sent again', async () => {
    const { outbox, sent } = new Network()
    outbox.open(1)
    outbox.push(message('refused'))
    outbox.push(message('unlucky'))
    const idle = outbox.untilIdle()
    sent[0]?.done(new Refused())
    expect(outbox.lost).toBe(1)
    sent[1]?.done(new Error('Connection closed'))
    outbox.open(1)
    expect(sent.map(({ topic }) => topic)).toEqual(['refused', 'unlucky', 'unlucky'])
    sent[2]?.done()
    await idle
    expect(outbox.pending).toBe(0)
  })

  test('sends those that never left again in their order', () => {
    const { outbox, sent } = new Network()
    outbox.open(3)
    for (const name of ['a', 'b', 'c', 'd']) outbox.push(message(name))
    for (const { done } of sent.slice()) done(new Error('Connection closed'))
    outbox.open(10)
    expect(sent.slice(3).map(({ topic }) => topic)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('is bounded: the oldest is thrown away and counted', () => {
    const { outbox, sent } = new Network()
    for (let i = 0; i < 10_003; i++) outbox.push(message(`m${i}`))
    expect([outbox.pending, outbox.lost]).toEqual([10_000, 3])
    outbox.open(1)
    expect(sent[0]?.topic).toBe('m3')
  })

  test('loses and doubles nothing, and sends in order over each connection, whatever the network does', () => {
    const step = fc.constantFrom('push', 'open', 'close', 'acknowledge', 'fail', 'reclaim')
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const { outbox, sent } = new Network()
        const acknowledged: string[] = []
        let [pushed, answered, begun] = [0, 0, 0]
        const ascends = (): void => {
          const numbers = sent.slice(begun).map(({ topic }) => Number(topic))
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
          begun = sent.length
        }
        const answer = (error?: Error): void => {
          const next = sent[answered]
          if (next === undefined) return
          answered++
          const before = outbox.acknowledged
          next.done(error)
          if (outbox.acknowledged > before) acknowledged.push(next.topic)
        }
        for (const each of steps) {
          if (each !== 'push' && each !== 'acknowledge') ascends()
          if (each === 'push') outbox.push(message(String(pushed++)))
          else if (each === 'open') outbox.open(3)
          else if (each === 'close') outbox.close()
          else if (each === 'acknowledge') answer()
          else if (each === 'fail') answer(new Error('Connection closed'))
          else outbox.reclaim()
        }
        outbox.reclaim()
        outbox.open(3)
        while (outbox.pending > 0) {
          answer()
        }
        expect(acknowledged.toSorted((a, b) => Number(a) - Number(b))).toEqual(
          Array.from({ length: pushed }, (_, index) => String(index)),
        )
      }),
      { numRuns: runs(100) },
    )
  })
})
