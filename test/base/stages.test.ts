import { describe, expect, test } from 'vitest'
import { HubbubError } from '../../src/base/errors.ts'
import { type Stage, Stages } from '../../src/base/stages.ts'
import { rejectionOf } from '../support/errors.ts'
import { CollectingLog } from '../support/start-hub.ts'

/** Stages that write down what is done to them. */
class Noted {
  readonly done: string[] = []
  readonly log = new CollectingLog()

  stage(name: string, changes: Partial<Stage> = {}): Stage {
    const start = (): void => void this.done.push(`start ${name}`)
    const stop = (): void => void this.done.push(`stop ${name}`)
    return { name, start, stop, startWithinMs: 10_000, stopWithinMs: 10_000, ...changes }
  }

  stages(...stages: readonly Stage[]): Stages {
    return new Stages(stages, this.log)
  }
}

function throws(): void {
  throw new Error('stuck')
}

const never = (): Promise<void> => new Promise(() => undefined)

describe('Stages', () => {
  test('starts in order, each when the one before has started, and stops in reverse', async () => {
    const noted = new Noted()
    const slow = async (): Promise<void> => {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      noted.done.push('start b')
    }
    const stages = noted.stages(noted.stage('a'), noted.stage('b', { start: slow }), noted.stage('c'))
    await stages.start()
    await stages.stop()
    expect(noted.done).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
  })

  test('stops what had begun when one does not start, that one too, and says which it was', async () => {
    const noted = new Noted()
    const cause = new Error('no room')
    const fails = (): Promise<void> => Promise.reject(cause)
    const stages = noted.stages(noted.stage('a'), noted.stage('the shelf', { start: fails }), noted.stage('c'))
    const error = await rejectionOf(stages.start())
    expect(error).toMatchObject({ code: 'HUB_START_FAILED', message: 'Cannot start the shelf: no room', cause })
    expect(noted.done).toEqual(['start a', 'stop the shelf', 'stop a'])
  })

  test('hands on an error that is already one of the hub', async () => {
    const noted = new Noted()
    const own = new HubbubError('STORE_LOCKED', 'Cannot use the store: another hub has it')
    const stages = noted.stages(noted.stage('a', { start: () => Promise.reject(own) }))
    expect(await rejectionOf(stages.start())).toBe(own)
  })

  test('gives up on a start that takes too long', async () => {
    const noted = new Noted()
    const stages = noted.stages(noted.stage('a'), noted.stage('b', { start: never, startWithinMs: 5 }))
    const error = await rejectionOf(stages.start())
    expect(error.code).toBe('HUB_START_FAILED')
    expect(error.message).toBe('Cannot start b: it must have started within 5 ms, it has not')
    expect(noted.done).toEqual(['start a', 'stop b', 'stop a'])
  })

  test('leaves behind what never stops, stops the others, and names it', async () => {
    const noted = new Noted()
    const stages = noted.stages(noted.stage('a'), noted.stage('b', { stop: never, stopWithinMs: 5 }), noted.stage('c'))
    await stages.start()
    const error = await rejectionOf(stages.stop())
    expect(error.code).toBe('HUB_STOP_FAILED')
    expect(error.message).toBe('Cannot stop b: it must have stopped within 5 ms, it has not')
    expect(noted.done.slice(3)).toEqual(['stop c', 'stop a'])
    expect(noted.log.lines.items.map(({ level, fields }) => [level, fields['err']])).toEqual([['error', error]])
  })

  test('stops the others when some throw, and names the first', async () => {
    const noted = new Noted()
    const stages = noted.stages(
      noted.stage('a', { stop: throws }),
      noted.stage('b', { stop: throws }),
      noted.stage('c'),
    )
    await stages.start()
    expect((await rejectionOf(stages.stop())).message).toBe('Cannot stop b: stuck')
    expect(noted.done.slice(3)).toEqual(['stop c'])
    expect(noted.log.lines.items.length).toBe(2)
  })

  test('stops each no more than once', async () => {
    const noted = new Noted()
    const stages = noted.stages(noted.stage('a'))
    await stages.start()
    await stages.stop()
    await stages.stop()
    expect(noted.done).toEqual(['start a', 'stop a'])
  })

  test('tells the start error, and logs what did not stop behind it', async () => {
    const noted = new Noted()
    const stages = noted.stages(
      noted.stage('a', { stop: () => Promise.reject(new Error('stuck')) }),
      noted.stage('b', { start: () => Promise.reject(new Error('no room')) }),
    )
    expect((await rejectionOf(stages.start())).message).toBe('Cannot start b: no room')
    expect(noted.log.lines.items.some(({ text }) => text === 'a part of the hub did not stop')).toBe(true)
  })
})
