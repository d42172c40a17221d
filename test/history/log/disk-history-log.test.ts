import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { afterAll, expect, test } from 'vitest'
import { DiskHistoryLog } from '../../../src/history/log/disk-history-log.ts'
import { blockOf, changesOf, postingListOf, testHistoryLog } from '../../contract/history-log.ts'
import { CollectingLog } from '../../support/start-hub.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-history-log-'))
afterAll(() => rmSync(parent, { recursive: true }))

function newFolder(): string {
  return mkdtempSync(join(parent, 'data-'))
}

testHistoryLog('DiskHistoryLog', () => {
  const folder = newFolder()
  return { open: () => new DiskHistoryLog({ folder, log: new CollectingLog() }), isKept: true }
})

/** Changes the values of a history that nobody has open. */
async function edit(folder: string, name: string, change: (value: Buffer) => Buffer): Promise<void> {
  const bytes = { encoding: 'binary', keyEncoding: 'binary' } as const
  const root = open<Buffer, Buffer>({ path: join(folder, 'history.mdb'), maxDbs: 8, ...bytes })
  const database = root.openDB<Buffer, Buffer>({ name, ...bytes })
  for (const { key, value } of Array.from(database.getRange())) await database.put(key, change(value))
  await root.close()
}

test('DiskHistoryLog moves a damaged history aside and begins with an empty one', async () => {
  const folder = newFolder()
  const log = new CollectingLog()
  const first = new DiskHistoryLog({ folder, log })
  await first.start()
  await first.write(changesOf({ putBlocks: [blockOf(1)] }))
  await first.stop()
  await edit(folder, 'blocks', (value) => Buffer.concat([value.subarray(0, -1), Buffer.of(0)]))
  const second = new DiskHistoryLog({ folder, log })
  await second.start()
  expect(second.block(0, false)).toBe(undefined)
  await second.stop()
  const aside = readdirSync(folder).find((name) => name.startsWith('damaged-')) ?? 'none'
  expect(existsSync(join(folder, aside, 'history.mdb'))).toBe(true)
  expect(log.lines.items.map(({ level, text }) => `${level}: ${text}`)).toEqual([
    'error: the damaged history was moved aside: the hub starts with an empty one',
  ])
})

test('DiskHistoryLog moves aside what is no history at all', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'history.mdb'), 'this is no LMDB file')
  const log = new DiskHistoryLog({ folder, log: new CollectingLog() })
  const { topics, totals } = await log.start()
  expect([...topics, totals]).toEqual([undefined])
  await log.stop()
})

test('DiskHistoryLog passes over an index that is damaged, and says so', async () => {
  const folder = newFolder()
  const log = new CollectingLog()
  const first = new DiskHistoryLog({ folder, log })
  await first.start()
  await first.write(changesOf({ putPostingLists: [postingListOf(1, 5, 1, 2)] }))
  await first.stop()
  await edit(folder, 'runs', (value) => Buffer.concat([value.subarray(0, -1), Buffer.of(9)]))
  const second = new DiskHistoryLog({ folder, log })
  await second.start()
  expect(second.postingList(1, 5)).toBe(undefined)
  await second.stop()
  expect(log.lines.items.map(({ text }) => text)).toEqual(['part of the history cannot be read'])
})

test('DiskHistoryLog refuses a history of another version and does not touch it', async () => {
  const folder = newFolder()
  const first = new DiskHistoryLog({ folder, log: new CollectingLog() })
  await first.start()
  await first.stop()
  const text = Buffer.from('\0hubbub history 9')
  const { crc32 } = await import('node:zlib')
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(text))
  await edit(folder, 'about', () => Buffer.concat([checksum, text]))
  const before = readFileSync(join(folder, 'history.mdb'))
  const second = new DiskHistoryLog({ folder, log: new CollectingLog() })
  await expect(second.start()).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('its format must be "hubbub history 1", it is "hubbub history 9"'),
  })
  expect(readFileSync(join(folder, 'history.mdb')).equals(before)).toBe(true)
})

test('DiskHistoryLog that only reads needs a history that is there', async () => {
  const folder = newFolder()
  const writer = new DiskHistoryLog({ folder, log: new CollectingLog() })
  await writer.start()
  await writer.write(changesOf({ putBlocks: [blockOf(1)] }))
  await writer.stop()
  const reader = new DiskHistoryLog({ folder, log: new CollectingLog(), isReadOnly: true })
  await reader.start()
  expect(reader.block(0, false)?.first).toBe(1)
  await reader.stop()
  const none = new DiskHistoryLog({ folder: newFolder(), log: new CollectingLog(), isReadOnly: true })
  await expect(none.start()).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
})

test('DiskHistoryLog stores thousands of topics and posting lists, whatever number it is', async () => {
  const folder = newFolder()
  const numbers = Array.from({ length: 2500 }, (_, i) => i + 1)
  const first = new DiskHistoryLog({ folder, log: new CollectingLog() })
  await first.start()
  await first.write(
    changesOf({
      newTopics: numbers.map((number) => ({ number, name: `t/${number}`, floor: number, newestAtMs: 5 })),
      putPostingLists: numbers.map((number) => postingListOf(number, 9, number)),
      putMembers: [{ chapter: 9, topics: Uint32Array.from(numbers) }],
    }),
  )
  await first.stop()
  const second = new DiskHistoryLog({ folder, log: new CollectingLog() })
  const { topics } = await second.start()
  expect(Array.from(topics)).toEqual(
    numbers.map((number) => ({ number, name: `t/${number}`, messages: 0, bytes: 0, floor: number, newestAtMs: 5 })),
  )
  expect(numbers.map((number) => second.postingList(number, 9)?.deltas[0])).toEqual(numbers)
  await second.stop()
})
