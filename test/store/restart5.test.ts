import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { inspectSession, inspectStore } from '../../src/store/disk/inspect.ts'
import { join5, KEPT } from '../conformance/steps5.ts'
import { publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { expectLedgerBalanced, leave, takeMessages } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const parent = mkdtempSync(joinPath(tmpdir(), 'hubbub-restart5-'))
afterAll(() => rmSync(parent, { recursive: true }))

function newFolder(): string {
  return mkdtempSync(joinPath(parent, 'data-'))
}

function start(data: string): Promise<TestHub> {
  return startHub({ config: { data } })
}

/** Publishes at QoS 1 and waits for the PUBACK. */
async function publish(
  hub: TestHub,
  topic: string,
  payload: string,
  properties: readonly [number, string][] = [],
): Promise<void> {
  const publisher = await join5(hub.port, 'publisher')
  publisher.send(publishPacket({ topic, payload, qos: 1, packetId: 1, properties }))
  await publisher.next('PUBACK')
  await leave(publisher)
}

test('A session of MQTT 5 has its properties, identifiers and expiry after a restart', async () => {
  const data = newFolder()
  const first = await start(data)
  const client = await join5(first.port, 'client', KEPT)
  await client.subscribeWith([[Id.SUBSCRIPTION_IDENTIFIER, 7]], ['a/#', 1])
  await leave(client)
  await publish(first, 'a/b', 'kept', [[Id.CONTENT_TYPE, 'text/plain']])
  await first.hub.stop()
  expect(await inspectSession(data, 'client')).toMatchObject({ expirySeconds: 1000, queuedMessages: 1 })

  const second = await start(data)
  const back = await join5(second.port, 'client', KEPT)
  expect(await takeMessages(back)).toMatchObject([
    {
      topic: 'a/b',
      properties: expect.arrayContaining([
        [Id.SUBSCRIPTION_IDENTIFIER, 7],
        [Id.CONTENT_TYPE, 'text/plain'],
      ]),
    },
  ])
  await publish(second, 'a/c', 'live')
  expect(await takeMessages(back)).toMatchObject([{ properties: [[Id.SUBSCRIPTION_IDENTIFIER, 7]] }])
  expectLedgerBalanced(second)
})

test('What waits for a shared subscription is there after a restart, for whichever member comes first', async () => {
  const data = newFolder()
  const first = await start(data)
  for (const clientId of ['one', 'two']) {
    const member = await join5(first.port, clientId, KEPT)
    await member.subscribe(['$share/g/t', 1])
    await leave(member)
  }
  for (let i = 0; i < 5; i++) await publish(first, 't', `${i}`)
  expectLedgerBalanced(first)
  await first.hub.stop()
  expect(await inspectStore(data)).toMatchObject({ sessions: 2, groups: 1, queuedMessages: 5 })

  const second = await start(data)
  const two = await join5(second.port, 'two', KEPT)
  const got = await takeMessages(two)
  expect(got.map(({ payload }) => payload.toString())).toEqual(['0', '1', '2', '3', '4'])
  expectLedgerBalanced(second)
})

test('A will that waits for its delay waits on after a restart, and is published when its session ends', async () => {
  const data = newFolder()
  const first = await start(data)
  const will = { topic: 'gone', payload: 'will', qos: 1, properties: [[Id.WILL_DELAY, 500]] } as const
  const client = await join5(first.port, 'client', { ...KEPT, will })
  const watcher = await join5(first.port, 'watcher', KEPT)
  await watcher.subscribe(['gone', 1])
  client.destroy()
  await first.hub.stop()
  expect(await inspectStore(data)).toMatchObject({ wills: 1 })

  const second = await start(data)
  const again = await join5(second.port, 'watcher', KEPT)
  expect(await again.restBeforePingresp()).toEqual([])
  await join5(second.port, 'client', { isClean: true })
  expect((await again.next('PUBLISH')).payload.toString()).toBe('will')
  await second.hub.stop()
  expect(await inspectStore(data)).toMatchObject({ wills: 0 })
})
