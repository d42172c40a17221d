import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { PartialConfig } from '../../src/config/complete.ts'
import { backupStore, restoreStore } from '../../src/store/disk/backup.ts'
import { inspectSession, inspectStore } from '../../src/store/disk/inspect.ts'
import { until } from '../support/guard.ts'
import { acknowledgePacket, publishPacket } from '../support/packets.ts'
import { expectLedgerBalanced, join, leave, message, publish, takeMessages, takePayloads } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const parent = mkdtempSync(joinPath(tmpdir(), 'hubbub-restart-'))
afterAll(() => rmSync(parent, { recursive: true }))

function newFolder(): string {
  return mkdtempSync(joinPath(parent, 'data-'))
}

function start(data: string, config: PartialConfig = {}): Promise<TestHub> {
  return startHub({ config: { ...config, data } })
}

/** A hub on what the folder of a running hub holds now, as if that one had died at this moment. */
async function startAsIfKilled(data: string): Promise<TestHub & { data: string }> {
  const folder = newFolder()
  const file = joinPath(folder, 'backup.mdb')
  await backupStore(data, file, false)
  await restoreStore(file, folder, false)
  return { ...(await start(folder)), data: folder }
}

test('A hub that is started again has sessions, queues, messages in flight with their identifiers, and retained messages', async () => {
  const data = newFolder()
  const first = await start(data, { limits: { maxInflightMessages: 2 } })
  const subscriber = await join(first.port, 'subscriber', { isClean: false })
  await subscriber.subscribe(['t/#', 2])
  const publisher = await join(first.port, 'publisher')
  for (const [i, qos] of [1, 2, 1].entries()) {
    const retain = i === 2
    publisher.send(publishPacket({ topic: `t/${i}`, payload: `${i}`, qos, packetId: i + 1, retain }))
    await publisher.next(qos === 1 ? 'PUBACK' : 'PUBREC')
  }
  const sent = [await subscriber.next('PUBLISH'), await subscriber.next('PUBLISH')]
  subscriber.send(acknowledgePacket('PUBREC', sent[1]?.packetId ?? 0))
  await subscriber.next('PUBREL')
  await leave(publisher)
  await first.hub.stop()

  const second = await start(data)
  const back = await join(second.port, 'subscriber', { isClean: false })
  const again = await back.next('PUBLISH')
  expect(again).toMatchObject({ topic: 't/0', packetId: sent[0]?.packetId, dup: true, qos: 1 })
  expect((await back.next('PUBREL')).packetId).toBe(sent[1]?.packetId)
  expect(await back.next('PUBLISH')).toMatchObject({ topic: 't/2', dup: false, qos: 1, retain: false })
  expectLedgerBalanced(second)
  const reader = await join(second.port, 'reader')
  await reader.subscribe(['t/+', 0])
  expect(await reader.next('PUBLISH')).toMatchObject({ topic: 't/2', retain: true })
})

test('A QoS 2 message that came before the hub died is not taken again after it [MQTT-4.3.3-2]', async () => {
  const data = newFolder()
  const first = await start(data)
  const publisher = await join(first.port, 'publisher', { isClean: false })
  const away = await join(first.port, 'away', { isClean: false })
  await away.subscribe(['t', 2])
  await leave(away)
  publisher.send(publishPacket({ topic: 't', payload: 'once', qos: 2, packetId: 9 }))
  await publisher.next('PUBREC')
  const second = await startAsIfKilled(data)
  const back = await join(second.port, 'publisher', { isClean: false })
  back.send(publishPacket({ topic: 't', payload: 'once', qos: 2, packetId: 9, dup: true }))
  await back.next('PUBREC')
  back.send(acknowledgePacket('PUBREL', 9))
  await back.next('PUBCOMP')
  const reader = await join(second.port, 'away', { isClean: false })
  expect((await reader.next('PUBLISH')).payload.toString()).toBe('once')
  expect(await reader.restBeforePingresp()).toEqual([])
})

test('A QoS 2 message of a program that lost its state is told by its content from one that came before the hub died', async () => {
  const data = newFolder()
  const first = await start(data)
  const publisher = await join(first.port, 'publisher', { isClean: false })
  const away = await join(first.port, 'away', { isClean: false })
  await away.subscribe(['t', 2])
  await leave(away)
  for (const packetId of [1, 2]) {
    publisher.send(publishPacket({ topic: 't', payload: `before ${packetId}`, qos: 2, packetId }))
    await publisher.next('PUBREC')
  }
  const second = await startAsIfKilled(data)
  const back = await join(second.port, 'publisher', { isClean: false })
  back.send(publishPacket({ topic: 't', payload: 'after 1', qos: 2, packetId: 1 }))
  await back.next('PUBREC')
  back.send(publishPacket({ topic: 't', payload: 'before 2', qos: 2, packetId: 2, dup: true }))
  await back.next('PUBREC')
  const third = await startAsIfKilled(second.data)
  const again = await join(third.port, 'publisher', { isClean: false })
  again.send(publishPacket({ topic: 't', payload: 'after 1', qos: 2, packetId: 1, dup: true }))
  await again.next('PUBREC')
  const reader = await join(third.port, 'away', { isClean: false })
  for (const payload of ['before 1', 'before 2', 'after 1']) {
    expect((await reader.next('PUBLISH')).payload.toString()).toBe(payload)
  }
  expect(await reader.restBeforePingresp()).toEqual([])
})

test('The will of a client that was connected when the hub died is published at the next start, once [MQTT-3.1.2-8]', async () => {
  const data = newFolder()
  const first = await start(data)
  const watcher = await join(first.port, 'watcher', { isClean: false })
  await watcher.subscribe(['gone/#', 1])
  await leave(watcher)
  for (const clientId of ['stays', 'says goodbye']) {
    const client = await join(first.port, clientId, { will: { topic: `gone/${clientId}`, payload: clientId, qos: 1 } })
    await client.restBeforePingresp()
    if (clientId !== 'stays') await leave(client)
  }
  const sync = await join(first.port, 'sync', { isClean: false })
  await sync.subscribe(['sync', 1])
  const second = await startAsIfKilled(data)
  const back = await join(second.port, 'watcher', { isClean: false })
  expect(await takePayloads(back)).toEqual(['stays'])
  await second.hub.stop()
  expect((await inspectStore(second.data)).wills).toBe(0)
})

test('A session expires by the time its client has been away, over a restart too', async () => {
  const data = newFolder()
  const first = await start(data)
  const client = await join(first.port, 'client', { isClean: false })
  await client.subscribe(['t', 1])
  await leave(client)
  const stopped = Date.now()
  await first.hub.stop()
  const summary = await inspectSession(data, 'client')
  expect(summary?.subscriptions).toEqual([{ filter: 't', qos: 1 }])
  expect(Math.abs((summary?.leftAtMs ?? 0) - stopped)).toBeLessThan(60_000)
  const later = await start(data, { limits: { maxSessionExpirySeconds: 3600 } })
  expect(later.log.lines.items.filter(({ text }) => text === 'a session expired')).toEqual([])
  await later.hub.stop()
  const limits = { maxSessionExpirySeconds: 1 }
  await until(
    () => Date.now() - stopped >= 1100,
    () => 'a second to pass',
  )
  const last = await start(data, { limits })
  expect(last.log.lines.items.map(({ text }) => text)).toContain('a session expired')
})

test('A bridge of MQTT 3.1.1 gets what is live with RETAIN, and nothing back of its own, also in a session from before', async () => {
  const data = newFolder()
  const first = await start(data)
  const fields = { isClean: false, protocolLevel: 0x84 } as const
  const bridge = await join(first.port, 'bridge', fields)
  await bridge.subscribe(['t', 1])
  await leave(bridge)
  await first.hub.stop()

  const second = await start(data)
  const back = await join(second.port, 'bridge', fields)
  expect(await publish(back, message('t', 'own', true))).toEqual([])
  const other = await join(second.port, 'other')
  await publish(other, message('t', 'theirs', true))
  expect(await takeMessages(back)).toMatchObject([{ topic: 't', retain: true }])
})
