import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DiskHistoryLog } from '../../../src/history/log/disk-history-log.ts'
import { changesOf, postingListOf } from '../../contract/history-log.ts'
import { CollectingLog } from '../../support/start-hub.ts'
import { allPayloads, said, startHistory } from '../stage.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-history-restart-'))
afterAll(() => rmSync(parent, { recursive: true }))

test('A history that ended while it stored topics and indexes begins without them, and makes them anew', async () => {
  const folder = mkdtempSync(join(parent, 'data-'))
  const first = await startHistory({ folder })
  for (const payload of ['one', 'two']) first.history.offer(said('a', payload))
  await first.history.stop()

  const log = new DiskHistoryLog({ folder, log: new CollectingLog() })
  const { totals = { nextSequence: 0, nextTopic: 0, open: [] } } = await log.start()
  expect(totals).toEqual({ nextSequence: 3, nextTopic: 2, open: [1] })
  await log.write(
    changesOf({
      newTopics: [{ number: 2, name: 'ghost', floor: 0, newestAtMs: 0 }],
      putPostingLists: [postingListOf(1, 1, 0, 1), postingListOf(2, 1, 2)],
      totals,
    }),
  )
  await log.stop()

  const second = await startHistory({ folder })
  expect(second.history.topic('ghost')).toBe(undefined)
  expect(second.history.topic('a')).toMatchObject({ messages: 2 })
  second.history.offer(said('b', 'three'))
  await second.history.stop()

  const third = await startHistory({ folder })
  expect(third.history.snapshot()).toMatchObject({ messages: 3, topics: 2 })
  expect(await allPayloads(third.history, { filter: 'a', order: 'oldest' })).toEqual(['one', 'two'])
  expect(await allPayloads(third.history, { filter: '#', order: 'oldest' })).toEqual(['one', 'two', 'three'])
  await third.history.stop()
})
