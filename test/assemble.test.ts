import { describe, expect, test } from 'vitest'
import { createHub } from '../src/hub.ts'
import { MemoryStore } from '../src/store/memory/memory-store.ts'
import type { StoreListener } from '../src/store/store.ts'
import { publishPacket } from './support/packets.ts'
import { connectRawClient, openRawClient } from './support/raw-client.ts'
import { rejectionOf } from './support/errors.ts'
import { CollectingLog, startHub, startHubWithHttp } from './support/start-hub.ts'

describe('A hub without HTTP', () => {
  test('serves MQTT, has no HTTP address and listens nowhere else', async () => {
    const { hub, port } = await startHub({ config: { http: false } })
    expect(hub.addresses.http).toBeUndefined()
    const client = await connectRawClient(port)
    await client.subscribe(['t', 1])
    client.send(publishPacket({ topic: 't', payload: 'x', qos: 1, packetId: 1 }))
    expect((await client.next('PUBLISH')).payload.toString()).toBe('x')
    await client.next('PUBACK')
    expect(await hub.metrics.scrape()).toMatchObject({ body: expect.stringContaining('hubbub_') as unknown })
  })

  test('is refused when the dashboard is asked for, with the place of both', async () => {
    const config = { http: false, dashboard: true }
    const error = await rejectionOf(createHub({ config, log: new CollectingLog() }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain('dashboard.enabled')
    expect(error.message).toContain('http.enabled')
  })
})

describe('A hub without its dashboard', () => {
  test('says at its address what it is, and serves the API', async () => {
    const { httpPort } = await startHubWithHttp({ config: { dashboard: { enabled: false } } })
    const page = await fetch(`http://127.0.0.1:${httpPort}/`, { headers: { Accept: 'text/html' } })
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('Hubbub, an MQTT hub')
    expect((await fetch(`http://127.0.0.1:${httpPort}/api/v1/overview`)).status).toBe(200)
  })
})

describe('A hub without history', () => {
  test('answers with empty pages, says that it is off, and takes no import', async () => {
    const { hub, httpPort } = await startHubWithHttp({ config: { history: false } })
    expect(hub.history).toBeUndefined()
    await hub.publish('t', 'x', { qos: 1 })
    const url = `http://127.0.0.1:${httpPort}/api/v1`
    expect(await (await fetch(`${url}/messages?filter=t`)).json()).toMatchObject({ messages: [], nextCursor: null })
    expect(await (await fetch(`${url}/overview`)).json()).toMatchObject({ history: { isEnabled: false, messages: 0 } })
    expect(await (await fetch(`${url}/history/export`)).text()).toBe('')
    const imported = await fetch(`${url}/history/import`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
      body: '{}\n',
    })
    expect(imported.status).toBe(409)
    expect(await imported.json()).toMatchObject({ detail: expect.stringContaining('history.enabled') as unknown })
  })
})

describe('A start that fails', () => {
  test('names a part that throws what is no error of the hub', async () => {
    class Broken extends MemoryStore {
      override start(_listener: StoreListener): Promise<void> {
        return Promise.reject(new TypeError('no such disk'))
      }
    }
    const options = { config: { port: 0, httpPort: 0 }, store: new Broken(), log: new CollectingLog() }
    const error = await rejectionOf(createHub(options))
    expect(error).toMatchObject({ code: 'HUB_START_FAILED', message: 'Cannot start the store: no such disk' })
  })
})

describe('A stop that fails', () => {
  test('names the store that cannot close, with every port free again', async () => {
    class Stuck extends MemoryStore {
      override stop(): Promise<void> {
        return Promise.reject(new Error('still writing'))
      }
    }
    const hub = await createHub({
      config: { port: 0, httpPort: 0, history: false },
      store: new Stuck(),
      log: new CollectingLog(),
    })
    const { mqtt, http } = hub.addresses
    expect(await rejectionOf(hub.stop())).toMatchObject({
      code: 'HUB_STOP_FAILED',
      message: 'Cannot stop the store: still writing',
    })
    for (const { port } of [mqtt, http ?? mqtt]) {
      await expect(openRawClient(port)).rejects.toThrow('ECONNREFUSED')
    }
  })
})
