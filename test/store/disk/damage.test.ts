import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { plainOptions } from '../../../src/protocol/subscription-options.ts'
import { termsOf } from '../../../src/store/terms.ts'
import { Message } from '../../../src/protocol/message.ts'
import { DiskStore } from '../../../src/store/disk/disk-store.ts'
import { GUARD_MS } from '../../support/guard.ts'
import { CollectingLog } from '../../support/start-hub.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-damage-'))
afterAll(() => rmSync(parent, { recursive: true }))
const LISTENER = { onStored: (): void => {}, onFailed: (): void => {} }

/** Fills a store, ends it, lets `damage` at its file, and starts it again. */
async function restartAfter(
  damage: (file: string) => void,
): Promise<{ store: DiskStore; log: CollectingLog; folder: string }> {
  const folder = mkdtempSync(join(parent, 'data-'))
  const log = new CollectingLog()
  const first = new DiskStore({ folder, durability: 'disk', log })
  await first.start(LISTENER)
  for (let i = 0; i < 200; i++) {
    const state = first.addSession(`client-${i}`, Infinity)
    state.putSubscription('a/+', plainOptions(1))
    state.enqueue(Message.create(`a/${i}`, Buffer.alloc(500, 'x'), 1, false, 'publisher'), termsOf(1, false, []))
    first.putRetained(Message.create(`r/${i}`, Buffer.alloc(100, 'y'), 1, true, undefined))
  }
  await first.stop()
  damage(join(folder, 'hubbub.mdb'))
  const store = new DiskStore({ folder, durability: 'disk', log })
  await store.start(LISTENER)
  return { store, log, folder }
}

const CASES: readonly (readonly [string, (file: string) => void])[] = [
  ['is garbage', (file) => writeFileSync(file, Buffer.alloc(300_000, 0x5a))],
  ['is empty', (file) => truncateSync(file)],
  ['lacks its tail', (file) => truncateSync(file, statSync(file).size / 2)],
  [
    'has a bit flipped in every value',
    (file) => {
      const bytes = readFileSync(file)
      for (let at = bytes.indexOf('xxxx'); at !== -1; at = bytes.indexOf('xxxx', at + 400)) bytes[at] = 0x79
      writeFileSync(file, bytes)
    },
  ],
]

// As the kernel without memory, Ctrl+C, a service manager and a closed terminal do.
const ENDINGS = ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const

test.each(ENDINGS)(
  'A store whose reader %s ended stays where it is, and the hub does not start with an empty one',
  async (signal) => {
    const folder = mkdtempSync(join(parent, 'data-'))
    const first = new DiskStore({ folder, durability: 'disk', log: new CollectingLog() })
    await first.start(LISTENER)
    first.addSession('client', Infinity)
    await first.stop()

    const second = new DiskStore({ folder, durability: 'disk', log: new CollectingLog() })
    const started = second.start(LISTENER)
    const isRefused = expect(started).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    process.kill(await vi.waitUntil(() => readerOf(folder), { timeout: GUARD_MS, interval: 1 }), signal)
    await isRefused
    await second.stop()
    expect(readdirSync(folder).filter((name) => name.startsWith('damaged-'))).toEqual([])

    const third = new DiskStore({ folder, durability: 'disk', log: new CollectingLog() })
    await third.start(LISTENER)
    expect(Array.from(third.sessions(), ({ clientId }) => clientId)).toEqual(['client'])
    await third.stop()
  },
)

/** The process that looks for damage in the folder's store. */
function readerOf(folder: string): number | undefined {
  const found = readdirSync('/proc').find((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(join(folder, 'hubbub.mdb'))
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
  return found === undefined ? undefined : Number(found)
}

test.each(CASES)(
  'A store that %s is moved aside whole, and the hub begins with an empty one and says so',
  async (_name, damage) => {
    const { store, log, folder } = await restartAfter(damage)
    const aside = readdirSync(folder).find((name) => name.startsWith('damaged-')) ?? ''
    expect(readdirSync(join(folder, aside))).toContain('hubbub.mdb')
    const said = log.lines.items.filter(({ level }) => level === 'error')
    expect(said.map(({ fields }) => fields['movedTo'])).toEqual([join(folder, aside)])
    expect([[...store.sessions()], [...store.retained()]]).toEqual([[], []])
    await store.stop()
  },
)

test('A store that is whole is not moved anywhere', async () => {
  const { store, log, folder } = await restartAfter(() => undefined)
  expect(log.lines.items).toEqual([])
  expect([[...store.sessions()].length, [...store.retained()].length]).toEqual([200, 200])
  expect(readdirSync(folder).filter((name) => name.startsWith('damaged-'))).toEqual([])
  await store.stop()
})
