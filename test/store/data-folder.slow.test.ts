import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../support/guard.ts'
import { ask } from '../support/http-request.ts'
import { publishPacket } from '../support/packets.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import type { RawClient } from '../support/raw-client.ts'
import { join, leave, takePayloads } from '../support/steps.ts'

// What people and programs do to the data folder of a running hub.
const HUB = joinPath(fileURLToPath(new URL('../..', import.meta.url)), 'dist/hub/main.js')

interface Running {
  readonly hub: TestProcess
  readonly port: number
  readonly httpPort: number
}

/** A folder in which the data folder `data` is to be. */
function newPlace(): { readonly parent: string; readonly data: string } {
  const parent = mkdtempSync(joinPath(tmpdir(), 'hubbub-folder-'))
  onTestFinished(() => rmSync(parent, { recursive: true }))
  return { parent, data: joinPath(parent, 'data') }
}

function startProcessOn(data: string): Promise<TestProcess> {
  return startProcess(process.execPath, [HUB, '--port', '0', '--http-port', '0', '--data', data])
}

async function startOn(data: string): Promise<Running> {
  const hub = await startProcessOn(data)
  const [, port] = await hub.untilLine(/mqtt:\/\/[^\s:]+:(\d+)/)
  const [, httpPort] = await hub.untilLine(/HTTP +http:\/\/[^\s:]+:(\d+)/)
  return { hub, port: Number(port), httpPort: Number(httpPort) }
}

async function isReady({ httpPort }: Running): Promise<boolean> {
  return (await ask(httpPort, { path: '/readyz' })).status === 200
}

async function untilReady(running: Running, wanted: boolean): Promise<void> {
  let isWanted = false
  const poll = async (): Promise<void> => {
    isWanted = (await isReady(running)) === wanted
    if (!isWanted) setTimeout(() => void poll(), 50)
  }
  void poll()
  await until(
    () => isWanted,
    () => `/readyz to be ${wanted}`,
  )
}

/** A session with a subscription to `t`, away, for which `count` messages wait. */
async function keepMessages(port: number, count: number): Promise<RawClient> {
  const away = await join(port, 'away', { isClean: false })
  await away.subscribe(['t', 1])
  await leave(away)
  const publisher = await join(port, 'publisher')
  for (let i = 1; i <= count; i++) publisher.send(publishPacket({ topic: 't', payload: `${i}`, qos: 1, packetId: i }))
  // oxlint-disable-next-line no-await-in-loop -- in their order
  for (let i = 1; i <= count; i++) await publisher.next('PUBACK')
  return publisher
}

describe('A hub whose data folder is deleted', () => {
  test.each([
    ['the folder', (data: string) => rmSync(data, { recursive: true })],
    ['the store in it', (data: string) => rmSync(joinPath(data, 'hubbub.mdb'))],
  ])(
    'acknowledges nothing it cannot keep, says so, and writes all of it anew when it can: %s',
    async (what, deleteIt) => {
      const { data } = newPlace()
      const first = await startOn(data)
      const publisher = await keepMessages(first.port, 3)
      deleteIt(data)
      publisher.send(publishPacket({ topic: 't', payload: 'not acknowledged', qos: 1, packetId: 9 }))
      await publisher.untilClosed()
      expect(publisher.received.filter(({ type }) => type === 'PUBACK')).toHaveLength(3)
      await first.hub.stderr.firstThat((line) => (/its file was deleted or moved/.test(line) ? line : undefined))
      const { text } = await ask(first.httpPort, { path: '/api/v1/mishaps' })
      expect(text).toContain('"store-failing"')
      if (what === 'the folder') {
        expect(await isReady(first)).toBe(false)
        mkdirSync(data)
      }
      await untilReady(first, true)
      const again = await join(first.port, 'publisher')
      again.send(publishPacket({ topic: 't', payload: 'after', qos: 1, packetId: 1 }))
      await again.next('PUBACK')
      await first.hub.end('SIGKILL')

      const second = await startOn(data)
      const back = await join(second.port, 'away', { isClean: false })
      expect(await takePayloads(back)).toEqual(['1', '2', '3', 'not acknowledged', 'after'])
      await second.hub.end()
    },
  )

  test('is noticed with nothing to store, and goes on with the file that was moved away and back', async () => {
    const { parent, data } = newPlace()
    const running = await startOn(data)
    await keepMessages(running.port, 1)
    const elsewhere = joinPath(parent, 'elsewhere')
    renameSync(data, elsewhere)
    await untilReady(running, false)
    renameSync(elsewhere, data)
    await untilReady(running, true)
    await running.hub.end()
  })
})

test('A history whose file is deleted under a running hub is written anew, whole', async () => {
  const { data } = newPlace()
  const running = await startOn(data)
  const publisher = await join(running.port, 'publisher')
  const file = joinPath(data, 'history.mdb')
  const publish = async (payload: string): Promise<void> => {
    publisher.send(publishPacket({ topic: 't', payload, qos: 1, packetId: 1 }))
    await publisher.next('PUBACK')
  }
  await publish('before')
  // A history export reads what is on the disk.
  await until(
    () => statSync(file).size > 0 && exported(data).includes('"before"'),
    () => 'the history to be written',
  )
  rmSync(file)
  await publish('after')
  await until(
    () => existsSync(file),
    () => 'the history to be back',
  )
  await running.hub.end()
  expect(exported(data)).toMatch(/"before"[^]*"after"/)
})

/** What `hubbub history export` says. */
function exported(data: string): string {
  return execFileSync(process.execPath, [HUB, 'history', 'export', '--data', data], { encoding: 'utf8' })
}

describe('The lock of a data folder', () => {
  test('holds when its socket is deleted, also by another path, and is made again', async () => {
    const { parent, data } = newPlace()
    const { hub } = await startOn(data)
    const socket = joinPath(data, 'hub.sock')
    rmSync(socket)
    const other = joinPath(parent, 'link')
    symlinkSync(data, other)
    const second = await startProcessOn(other)
    expect((await second.untilExit()).code).toBe(1)
    expect(second.stderr.items.join('\n')).toContain(`process ${hub.pid ?? 0} is using it`)
    await until(
      () => existsSync(socket),
      () => 'the socket',
    )
    await hub.end()
    expect(existsSync(socket)).toBe(false)
  })

  test('is free at once when the hub is killed', async () => {
    const { data } = newPlace()
    const first = await startOn(data)
    await first.hub.end('SIGKILL')
    const second = await startOn(data)
    await second.hub.end('SIGKILL')
    rmSync(joinPath(data, 'hub.sock'))
    const third = await startOn(data)
    await third.hub.end()
  })
})
