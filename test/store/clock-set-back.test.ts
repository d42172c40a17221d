import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { beforeEach, afterEach, expect, test, vi } from 'vitest'
import { join5, KEPT } from '../conformance/steps5.ts'
import { ApiClient, fieldOf } from '../support/api.ts'
import { publishPacket } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { valueOf } from '../support/received-packet.ts'
import { leave, publish, takeMessages } from '../support/steps.ts'
import { startHub, startHubWithHttp } from '../support/start-hub.ts'

const EXPIRY_SECONDS = 3600
const YEAR_MS = 365 * 24 * 3_600_000
const RIGHT_MS = Date.UTC(2026, 10, 29)

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-set-back-'))
  vi.useFakeTimers({ toFake: ['Date'], now: RIGHT_MS + 2 * YEAR_MS })
})

afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

test('Nothing lives longer than it was told to when the wall clock was set back between two runs', async () => {
  const first = await startHub({ config: { data: folder } })
  const away = await join5(first.port, 'away', KEPT)
  await away.subscribe(['t', 1])
  await leave(away)
  const publisher = await join5(first.port, 'publisher')
  const properties = [[Id.MESSAGE_EXPIRY, EXPIRY_SECONDS]] as const
  await publish(publisher, publishPacket({ topic: 't', payload: 'x', qos: 1, packetId: 1, retain: true, properties }))
  await leave(publisher)
  await first.hub.stop()

  vi.setSystemTime(RIGHT_MS)
  const second = await startHubWithHttp({ config: { data: folder } })
  const late = await join5(second.port, 'late')
  await late.subscribe(['t', 1])
  const back = await join5(second.port, 'away', KEPT)
  for (const client of [late, back]) {
    const [message] = await takeMessages(client)
    const left = message === undefined ? undefined : valueOf(message, Id.MESSAGE_EXPIRY)
    expect(left).toBeLessThanOrEqual(EXPIRY_SECONDS)
    expect(left).toBeGreaterThan(EXPIRY_SECONDS - 60)
  }
  const api = new ApiClient(second.httpPort)
  const { body: retained } = await api.get('/retained/one', { topic: 't' })
  expect(retained).toMatchObject({ properties: { messageExpirySeconds: expect.toSatisfy((s) => s <= EXPIRY_SECONDS) } })
  const { body: client } = await api.get('/clients/away')
  expect(client).toMatchObject({ expirySeconds: 1000, clientId: 'away' })
})

test('A session that is away ends in its time after the wall clock was set back, and what is said is dated by the clock that is right', async () => {
  const first = await startHub({ config: { data: folder } })
  await leave(await join5(first.port, 'short', { isClean: false, properties: [[Id.SESSION_EXPIRY, 1]] }))
  await first.hub.stop()

  vi.setSystemTime(RIGHT_MS)
  const second = await startHubWithHttp({ config: { data: folder } })
  const api = new ApiClient(second.httpPort)
  await expect.poll(async () => (await api.get('/clients/short')).status, { timeout: 20_000 }).toBe(404)
  const publisher = await join5(second.port, 'publisher')
  const properties = [[Id.MESSAGE_EXPIRY, EXPIRY_SECONDS]] as const
  await publish(publisher, publishPacket({ topic: 't', payload: 'x', qos: 1, packetId: 1, properties }))
  const [entry] = [...arrayOf(fieldOf(await api.get('/messages', { filter: 't' }), 'messages'))]
  expect(entry).toMatchObject({ properties: { messageExpirySeconds: EXPIRY_SECONDS } })
  expect(Math.abs(Number(Reflect.get(Object(entry), 'atMs')) - RIGHT_MS)).toBeLessThan(60_000)
})

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
