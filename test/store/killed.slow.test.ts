import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { inspectSession } from '../../src/store/disk/inspect.ts'
import { KEPT } from '../conformance/steps5.ts'
import { type ConnectFields, publishPacket } from '../support/packets.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import type { RawClient } from '../support/raw-client.ts'
import { join, leave, takePayloads } from '../support/steps.ts'

// What a hub has answered holds, also when it is killed by SIGKILL the moment the answer is here.
const HUB = joinPath(fileURLToPath(new URL('../..', import.meta.url)), 'dist/hub/main.js')
const CLIENTS = 50

function newFolder(): string {
  const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-killed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function startOn(data: string): Promise<{ readonly hub: TestProcess; readonly port: number }> {
  const args = [HUB, '--port', '0', '--http-port', '0', '--data', data]
  const hub = await startProcess(process.execPath, args)
  const [, port] = await hub.untilLine(/mqtt:\/\/[^\s:]+:(\d+)/)
  return { hub, port: Number(port) }
}

/** A kept session that is subscribed to all wills, and away. */
async function watch(port: number): Promise<void> {
  const watcher = await join(port, 'watcher', { isClean: false })
  await watcher.subscribe(['gone/#', 1])
  await leave(watcher)
}

async function takeAway(port: number, clientId: string): Promise<string[]> {
  const back = await join(port, clientId, { isClean: false })
  const payloads = await takePayloads(back)
  await leave(back)
  return payloads
}

async function joinAll(port: number, payload: string, fields: (i: number) => ConnectFields): Promise<RawClient[]> {
  const names = Array.from({ length: CLIENTS }, (_, i) => `client-${i}`)
  return Promise.all(
    names.map((name, i) => join(port, name, { ...fields(i), will: { topic: `gone/${i}`, payload, qos: 1 } })),
  )
}

test.each([
  ['kept', 1],
  ['clean', 2],
  ['kept', 3],
  ['kept and clean', 4],
])('No will is lost whose client has its CONNACK: sessions that are %s, time %i [MQTT-3.1.2-8]', async (kind) => {
  const data = newFolder()
  const first = await startOn(data)
  await watch(first.port)
  await joinAll(first.port, 'will', (i) => ({ isClean: kind === 'clean' || (kind !== 'kept' && i % 2 === 0) }))
  await first.hub.end('SIGKILL')
  const second = await startOn(data)
  expect(await takeAway(second.port, 'watcher')).toHaveLength(CLIENTS)
  await second.hub.end()
})

test('A session that CONNACK says is discarded does not come back with the next start [MQTT-3.1.2-6]', async () => {
  const data = newFolder()
  const first = await startOn(data)
  const old = await join(first.port, 'client', { isClean: false })
  await old.subscribe(['t', 1])
  await leave(old)
  const publisher = await join(first.port, 'publisher')
  publisher.send(publishPacket({ topic: 't', payload: 'of the discarded session', qos: 1, packetId: 1 }))
  await publisher.next('PUBACK')
  await join(first.port, 'client', { isClean: true })
  await first.hub.end('SIGKILL')
  const second = await startOn(data)
  expect(await takeAway(second.port, 'client')).toEqual([])
  await second.hub.end()
})

test('Subscriptions hold that SUBACK has granted', async () => {
  const data = newFolder()
  const first = await startOn(data)
  const names = Array.from({ length: CLIENTS }, (_, i) => `client-${i}`)
  const fields: readonly ConnectFields[] = [{ isClean: false }, KEPT]
  await Promise.all(
    names.map(async (name, i) => (await join(first.port, name, fields[i % 2])).subscribe([`t/${name}`, 1])),
  )
  await first.hub.end('SIGKILL')
  for (const name of names) {
    // oxlint-disable-next-line no-await-in-loop -- LMDB opens a file once at a time
    const stored = await inspectSession(data, name)
    expect(stored?.subscriptions.map(({ filter }) => filter)).toEqual([`t/${name}`])
  }
})
