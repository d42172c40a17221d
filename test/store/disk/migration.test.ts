import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Message } from '../../../src/protocol/message.ts'
import { plainOptions } from '../../../src/protocol/subscription-options.ts'
import { openDatabases } from '../../../src/store/disk/databases.ts'
import { DiskStore } from '../../../src/store/disk/disk-store.ts'
import { inspectSession, inspectStore } from '../../../src/store/disk/inspect.ts'
import { CONTENT_START, decodeText, encodeText, seal } from '../../../src/store/disk/records.ts'
import { STORE_FILE } from '../../../src/store/disk/store-file.ts'
import { UNKNOWN_CONTENT } from '../../../src/store/store.ts'
import { termsOf } from '../../../src/store/terms.ts'
import { CollectingLog } from '../../support/start-hub.ts'

const parent = mkdtempSync(join(tmpdir(), 'hubbub-migration-'))
afterAll(() => rmSync(parent, { recursive: true }))

const FORMAT_KEY = Buffer.from('format')
const LISTENER = { onStored: () => undefined, onFailed: () => undefined }

function openStore(folder: string): DiskStore {
  return new DiskStore({ folder, durability: 'disk', log: new CollectingLog() })
}

/** Reads the format that the folder's store says it has, then writes another. */
async function changeFormat(folder: string, format: string): Promise<string> {
  const { root, databases } = openDatabases(join(folder, STORE_FILE))
  const before = databases.about.get(FORMAT_KEY)
  await databases.about.put(FORMAT_KEY, encodeText(format))
  await root.close()
  return before === undefined ? '' : decodeText(before)
}

/** Makes the states of the store, none of which has anything in flight, what they were before format 3. */
async function withoutContentHashes(folder: string, format: string): Promise<void> {
  const { root, databases } = openDatabases(join(folder, STORE_FILE))
  for (const { key, value } of databases.states.getRange()) {
    const head = CONTENT_START + 38
    const count = value.readUInt16BE(head - 2)
    const ids = Array.from({ length: count }, (_, i) => value.subarray(head + i * 6, head + i * 6 + 2))
    await databases.states.put(
      key,
      seal(Buffer.concat([value.subarray(0, head), ...ids, value.subarray(head + count * 6)])),
    )
  }
  await root.close()
  await changeFormat(folder, format)
}

test('A store of format 1 is taken up whole and has format 4 from then on; one of a later format is not touched', async () => {
  const folder = mkdtempSync(join(parent, 'format-1-'))
  const first = openStore(folder)
  await first.start(LISTENER)
  // As much as format 1 knew: sessions for ever, a QoS for each subscription, messages of 3.1.1.
  const state = first.addSession('c', Infinity)
  state.putSubscription('f/#', plainOptions(1))
  const message = Message.create('t', Buffer.from('x'), 2, false, 'p')
  state.enqueue(message, termsOf(1, false, []))
  state.addInFlight(9, message, termsOf(2, true, []))
  first.putRetained(message.keepRetained())
  await first.stop()
  expect(await changeFormat(folder, 'hubbub store 1')).toBe('hubbub store 4')

  const second = openStore(folder)
  await second.start(LISTENER)
  const [found] = second.sessions()
  expect(found).toMatchObject({ clientId: 'c', isGroup: false, expirySeconds: Infinity, queuedMessages: 1 })
  expect([...(found?.subscriptions() ?? [])]).toEqual([['f/#', plainOptions(1)]])
  expect(found?.inFlight.get(9)).toMatchObject({ qos: 2, isRetained: true, identifiers: [] })
  expect(found?.peekNext()?.payload.toString()).toBe('x')
  expect([...second.retained()]).toHaveLength(1)
  await second.stop()

  expect(await changeFormat(folder, 'hubbub store 5')).toBe('hubbub store 4')
  await expect(openStore(folder).start(LISTENER)).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
  expect(await changeFormat(folder, 'hubbub store 4')).toBe('hubbub store 5')
})

test('A store of format 2 is inspected as it is, and its QoS 2 messages that wait for PUBREL are taken up', async () => {
  const folder = mkdtempSync(join(parent, 'format-2-'))
  const first = openStore(folder)
  await first.start(LISTENER)
  const state = first.addSession('c', Infinity)
  for (const packetId of [7, 3, 65_535]) state.addReceivedId(packetId, -1)
  state.enqueue(Message.create('t', Buffer.from('x'), 1, false, 'p'), termsOf(1, false, []))
  await first.stop()
  await withoutContentHashes(folder, 'hubbub store 2')

  expect((await inspectSession(folder, 'c'))?.receivedIds).toEqual([7, 3, 65_535])
  expect(await inspectStore(folder)).toMatchObject({ sessions: 1, queuedMessages: 1 })
  // With the migration, then without.
  for (let starts = 0; starts < 2; starts++) {
    const store = openStore(folder)
    await store.start(LISTENER)
    const [found] = store.sessions()
    const unknown = [7, 3, 65_535].map((packetId) => [packetId, UNKNOWN_CONTENT])
    expect([...(found?.receivedIds ?? [])]).toEqual(unknown)
    expect(found?.peekNext()?.payload.toString()).toBe('x')
    await store.stop()
    expect((await inspectSession(folder, 'c'))?.receivedIds).toEqual([7, 3, 65_535])
  }
  expect(await changeFormat(folder, 'hubbub store 4')).toBe('hubbub store 4')
})
