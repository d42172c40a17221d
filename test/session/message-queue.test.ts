import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Message } from '../../src/protocol/message.ts'
import { MessageQueue } from '../../src/session/message-queue.ts'
import type { QueueEntry } from '../../src/store/store.ts'

function entry(sequence: number): QueueEntry {
  const message = Message.create('t', Buffer.alloc(sequence % 50), 1, false, undefined)
  return { sequence, message, qos: 1, isRetained: false, packetId: 0, isReleased: false }
}

describe('MessageQueue', () => {
  test('behaves as an array does, at any length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3000, max: 3000 }), { maxLength: 12 }), (steps) => {
        const queue = new MessageQueue()
        const model: QueueEntry[] = []
        let sequence = 0
        for (const step of steps) {
          for (let i = 0; i < step; i++) {
            const next = entry(++sequence)
            queue.push(next)
            model.push(next)
          }
          for (let i = 0; i > step; i--) expect(queue.shift()).toBe(model.shift())
          expect(queue.length).toBe(model.length)
          expect(queue.bytes).toBe(model.reduce((sum, { message }) => sum + message.packetBytes, 0))
        }
      }),
      { numRuns: 30 },
    )
  })
})
