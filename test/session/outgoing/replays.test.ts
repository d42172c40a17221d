import { expect, test } from 'vitest'
import { Clock } from '../../../src/base/clock.ts'
import { MemoryBudget } from '../../../src/base/memory-budget.ts'
import { TURN } from '../../../src/base/turn.ts'
import { Message } from '../../../src/protocol/message.ts'
import { plainOptions } from '../../../src/protocol/subscription-options.ts'
import { Delivery } from '../../../src/router/delivery.ts'
import { Replays, type ReplaysOwner } from '../../../src/session/outgoing/replays.ts'
import type { SessionConnection } from '../../../src/session/session-connection.ts'

test('Replays send the few messages of several filters together, though the turn is used up', () => {
  const sent: string[] = []
  const owner: ReplaysOwner = {
    hasRoomOn: () => true,
    sendReplayed: (_connection, { topic }) => void sent.push(topic),
    drain: () => undefined,
    pastSent: () => undefined,
  }
  const connection: SessionConnection = {
    isCongested: false,
    isOutputFull: false,
    pendingQos0Messages: 0,
    writtenQos0Messages: 0,
    receiveMaximum: Infinity,
    explainsFailures: false,
    takesRuns: true,
    tellsState: () => false,
    report: () => {
      throw new Error('nobody asks')
    },
    fits: () => true,
    sendQos0: nothing,
    sendRun: nothing,
    sendPublish: nothing,
    sendAcknowledgement: nothing,
    close: nothing,
    published: nothing,
  }
  const delivery = Delivery.of({ deliver: () => undefined }, plainOptions(0))
  const replays = new Replays(owner, new Clock(), new MemoryBudget({ bytes: 1024 ** 3, heapBytes: 1024 ** 3 }).queues)
  for (const topic of ['a', 'b', 'c']) {
    const message = Message.create(topic, Buffer.from('x'), 0, true, undefined)
    replays.add([message].values(), delivery, false)
  }
  const endMs = performance.now() + 20
  while (!TURN.isUsedUp || performance.now() < endMs);
  replays.sendSlice(connection)
  expect(sent).toEqual(['a', 'b', 'c'])
})

function nothing(): void {}
