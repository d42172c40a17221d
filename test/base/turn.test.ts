import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { LOOP_TIMES, LoopPart } from '../../src/base/loop-times.ts'
import { Slices } from '../../src/base/slices.ts'
import { Turn } from '../../src/base/turn.ts'

/** More than all long work together may take of a turn. */
const LONG_MS = 8

/** Has the event loop for so long. */
function burn(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

/** Work of `steps` steps that all take long; each is noted. */
function* work(name: string, steps: number, done: string[]): Generator<void, void, undefined> {
  for (let step = 0; step < steps; step++) {
    burn(LONG_MS)
    done.push(`${name}${step}`)
    yield
  }
}

/** Notes turns of the loop until the work is done. */
async function untilDone(done: string[], steps: number): Promise<void> {
  while (done.filter((one) => one !== '-').length < steps) {
    await nextTurn()
    done.push('-')
  }
}

describe('Turn', () => {
  test('does small work at once, to its end', () => {
    const turn = new Turn()
    let steps = 0
    function* small(): Generator<void, void, undefined> {
      for (; steps < 5; steps++) yield
    }
    expect(turn.isFull).toBe(false)
    turn.run(LoopPart.OTHER, small())
    expect(steps).toBe(5)
  })

  test('lets the loop go after each step of work that takes long', async () => {
    const turn = new Turn()
    const done: string[] = []
    const allDone = untilDone(done, 5)
    turn.run(LoopPart.OTHER, work('a', 5, done))
    expect(done).toEqual(['a0'])
    await allDone
    expect(done.filter((one) => one !== '-')).toEqual(['a0', 'a1', 'a2', 'a3', 'a4'])
    for (let step = 0; step < 4; step++) {
      expect(done.slice(done.indexOf(`a${step}`), done.indexOf(`a${step + 1}`))).toContain('-')
    }
  })

  test('has less of a turn in which sockets were read', async () => {
    const turn = new Turn()
    const steps: number[] = []
    function* short(): Generator<void, void, undefined> {
      for (let step = 0; step < 30; step++) {
        burn(1)
        steps.push(step)
        yield
      }
    }
    turn.run(LoopPart.OTHER, short())
    let mostInTurn = 0
    while (steps.length < 30) {
      const before = steps.length
      LOOP_TIMES.add(LoopPart.READING, 100)
      await nextTurn()
      mostInTurn = Math.max(mostInTurn, steps.length - before)
    }
    expect(mostInTurn).toBeLessThanOrEqual(2)
  })

  test('gives each work its turn in the order in which they began to wait', async () => {
    const turn = new Turn()
    const done: string[] = []
    for (const name of ['a', 'b', 'c']) turn.run(LoopPart.OTHER, work(name, 3, done))
    await untilDone(done, 9)
    expect(done.filter((one) => one !== '-').join(' ')).toBe('a0 b0 c0 a1 b1 c1 a2 b2 c2')
  })

  test('has what would begin wait behind those who wait, and not what belongs to work that goes on', async () => {
    const turn = new Turn()
    const order: string[] = []
    burnTurn(turn)
    expect(turn.isFull).toBe(true)
    turn.wait(() => order.push(`first ${turn.isFull}`))
    turn.wait(() => order.push(`second ${turn.isFull}`))
    expect(turn.isFull).toBe(true)
    while (order.length < 2) await nextTurn()
    expect(order).toEqual(['first false', 'second false'])
    await nextTurn()
    expect(turn.isFull).toBe(false)
  })

  test('resolves what waits by a promise one in a turn, which goes on before the next work', async () => {
    const turn = new Turn()
    const order: string[] = []
    const walk = async (name: string): Promise<void> => {
      for (let step = 0; step < 2; step++) {
        await turn.next()
        order.push(`${name}${step}`)
      }
    }
    await Promise.all([walk('a'), walk('b')])
    expect(order).toEqual(['a0', 'b0', 'a1', 'b1'])
  })
})

test('Slices pause when the turn is used up, and throw when what asked for them is gone', async () => {
  const gone = new AbortController()
  const slices = new Slices(LoopPart.OTHER, gone.signal)
  let turns = 0
  const count = setInterval(() => turns++, 0)
  for (let step = 0; step < 5; step++) {
    burn(LONG_MS)
    await slices.pause()
  }
  clearInterval(count)
  expect(turns).toBeGreaterThan(0)
  gone.abort(new Error('gone'))
  await expect(
    (async () => {
      for (;;) {
        burn(LONG_MS)
        await slices.pause()
      }
    })(),
  ).rejects.toThrow('gone')
})

/** Uses up what there is of the turn. */
function burnTurn(turn: Turn): void {
  expect(turn.isUsedUp).toBe(false)
  burn(LONG_MS)
  expect(turn.isUsedUp).toBe(true)
}
