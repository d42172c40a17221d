import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Message } from '../../../src/protocol/message.ts'
import { termsOf } from '../../../src/store/terms.ts'
import { MessageQueue, type QueuedMessage } from '../../../src/store/memory/message-queue.ts'
import { runs } from '../../support/runs.ts'

function queued(number: number): QueuedMessage {
  return { message: Message.create('t', Buffer.alloc(number % 50), 1, false, undefined), terms: termsOf(1, false, []) }
}

describe('MessageQueue', () => {
  test('behaves as an array does, at any length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 12 }), (steps) => {
        const queue = new MessageQueue()
        const model: QueuedMessage[] = []
        let number = 0
        for (const step of steps) {
          for (let i = 0; i < step; i++) {
            const next = queued(++number)
            queue.push(next)
            model.push(next)
          }
          for (let i = 0; i > step; i--) expect(queue.shift()).toBe(model.shift())
          expect(queue.length).toBe(model.length)
          expect(queue.first).toBe(model[0])
          expect(queue.bytes).toBe(model.reduce((sum, { message }) => sum + message.packetBytes, 0))
        }
      }),
      { numRuns: runs(15) },
    )
  })
})
