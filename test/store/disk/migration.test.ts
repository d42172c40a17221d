import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Message } from '../../../src/protocol/message.ts'
import { plainOptions } from '../../../src/protocol/subscription-options.ts'
import { openDatabases } from '../../../src/store/disk/databases.ts'
import { DiskStore } from '../../../src/store/disk/disk-store.ts'
import { decodeText, encodeText } from '../../../src/store/disk/records.ts'
import { STORE_FILE } from '../../../src/store/disk/store-file.ts'
import { termsOf } from '../../../src/store/terms.ts'
import { CollectingLog } from '../../support/start-hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'hubbub-migration-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FORMAT_KEY = Buffer.from('format')
const LISTENER = { onStored: () => undefined, onFailed: () => undefined }

function openStore(): DiskStore {
  return new DiskStore({ folder, durability: 'disk', log: new CollectingLog() })
}

/** Reads the format that the folder's store says it has, then writes another. */
async function changeFormat(format: string): Promise<string> {
  const { root, databases } = openDatabases(join(folder, STORE_FILE))
  const before = databases.about.get(FORMAT_KEY)
  await databases.about.put(FORMAT_KEY, encodeText(format))
  await root.close()
  return before === undefined ? '' : decodeText(before)
}

test('A store of format 1 is taken up whole and has format 2 from then on; one of a later format is not touched', async () => {
  const first = openStore()
  await first.start(LISTENER)
  // As much as format 1 knew: sessions for ever, a QoS for each subscription, messages of 3.1.1.
  const state = first.addSession('c', Infinity)
  state.putSubscription('f/#', plainOptions(1))
  const message = Message.create('t', Buffer.from('x'), 2, false, 'p')
  state.enqueue(message, termsOf(1, false, []))
  state.addInFlight(9, message, termsOf(2, true, []))
  first.putRetained(message.keepRetained())
  await first.stop()
  expect(await changeFormat('hubbub store 1')).toBe('hubbub store 2')

  const second = openStore()
  await second.start(LISTENER)
  const [found] = second.sessions()
  expect(found).toMatchObject({ clientId: 'c', isGroup: false, expirySeconds: Infinity, queuedMessages: 1 })
  expect([...(found?.subscriptions() ?? [])]).toEqual([['f/#', plainOptions(1)]])
  expect(found?.inFlight.get(9)).toMatchObject({ qos: 2, isRetained: true, identifiers: [] })
  expect(found?.peekNext()?.payload.toString()).toBe('x')
  expect([...second.retained()]).toHaveLength(1)
  await second.stop()

  expect(await changeFormat('hubbub store 3')).toBe('hubbub store 2')
  await expect(openStore().start(LISTENER)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  expect(await changeFormat('hubbub store 2')).toBe('hubbub store 3')
})
