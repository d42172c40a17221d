import { describe, expect, test } from 'vitest'
import { join5, KEPT } from '../../conformance/steps5.ts'
import { publishPacket } from '../../support/packets.ts'
import { connectRawClient, openRawWebSocketClient } from '../../support/raw-client.ts'
import { join, leave, publish } from '../../support/steps.ts'
import { ApiClient, cursorOf, eachOf, expectProblem, fieldOf } from '../../support/api.ts'
import { until } from '../../support/guard.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

describe('GET /api/v1/clients', () => {
  test('lists who is here and who has a kept session, sorted by identifier', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    await leave(await join5(port, 'away', KEPT))
    await join(port, 'b')
    await join5(port, 'a/1')
    expect(await api.get('/clients')).toMatchObject({
      status: 200,
      body: {
        clients: [
          { clientId: 'a/1', connection: { protocol: '5', transport: 'tcp' }, leftAtMs: null, isKept: false },
          { clientId: 'away', connection: null, leftAtMs: expect.any(Number), isKept: true, expirySeconds: 1000 },
          { clientId: 'b', connection: { protocol: '3.1.1', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) } },
        ],
        nextCursor: null,
      },
    })
  })

  test('has beside it who is behind: connected, and with more to take than others', async () => {
    const { hub, port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    await join(port, 'fast')
    expect((await api.get('/slow-clients')).body).toEqual({ clients: [] })
    for (const [clientId, messages] of [
      ['slow', 3],
      ['slower', 5],
    ] as const) {
      const client = await join(port, clientId)
      await client.subscribe([clientId, 1])
      // In flight at most 100 until one is acknowledged; the rest is queued.
      for (let index = 0; index < 100 + messages; index++) await hub.publish(clientId, 'x', { qos: 1 })
    }
    const { body } = await api.get('/slow-clients')
    expect(body).toMatchObject({
      clients: [
        { clientId: 'slower', queuedMessages: 5 },
        { clientId: 'slow', queuedMessages: 3 },
      ],
    })
  })

  test('goes on page by page without a double when clients come and go between', async () => {
    const { hub, port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (const clientId of ['a', 'b', 'c', 'd', 'e']) await join(port, clientId)
    const first = await api.get('/clients', { limit: 2 })
    hub.disconnect('b')
    await join(port, 'a2')
    const rest = await api.get('/clients', { limit: 10, cursor: cursorOf(first) })
    expect([first, rest].flatMap((page) => eachOf(page, 'clients', 'clientId'))).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(fieldOf(rest, 'nextCursor')).toBeNull()
  })

  test('finds by part of the identifier or the address, and by state', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    await leave(await join5(port, 'Lamp-1', KEPT))
    await join(port, 'lamp-2')
    await join(port, 'door')
    expect(eachOf(await api.get('/clients', { q: 'lamp' }), 'clients', 'clientId')).toEqual(['Lamp-1', 'lamp-2'])
    expect(eachOf(await api.get('/clients', { state: 'away' }), 'clients', 'clientId')).toEqual(['Lamp-1'])
    expect(eachOf(await api.get('/clients', { q: '127.0.0.1:' }), 'clients', 'clientId')).toEqual(['door', 'lamp-2'])
  })

  test('refuses what is no parameter of it, naming it', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (const limit of ['0', '1001', '-1', 'NaN', '1e99', '1.5']) {
      expectProblem(await api.get('/clients', { limit }), 400, 'limit')
    }
    expectProblem(await api.get('/clients', { state: 'asleep' }), 400, 'state')
    expectProblem(await api.get('/clients', { page: 2 }), 400, 'page')
    expectProblem(await api.get('/clients', { cursor: 'x' }), 400, 'cursor')
    const ofTopics = Buffer.from('["topics ","a"]').toString('base64url')
    expectProblem(await api.get('/clients', { cursor: ofTopics }), 400, 'cursor')
  })
})

describe('GET /api/v1/clients/{clientId}', () => {
  test('tells all that there is to tell', async () => {
    const { port, httpPort } = await startHubWithHttp({ config: { limits: { maxQueuedMessages: 1 } } })
    const api = new ApiClient(httpPort)
    const client = await connectRawClient(port, { clientId: 'c/1?x#', isClean: false, keepAliveSeconds: 30 })
    await client.subscribe(['a/#', 1], ['b', 0])
    await publish(await join(port, 'p'), publishPacket({ topic: 'a/b', payload: 'x', qos: 1, packetId: 1 }))
    await publish(client, publishPacket({ topic: 'z', payload: 'yy', qos: 2, packetId: 1 }))
    const { status, body } = await api.get(`/clients/${encodeURIComponent('c/1?x#')}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      clientId: 'c/1?x#',
      connection: { keepAliveSeconds: 30, pendingBytes: 0 },
      subscriptions: [
        { filter: 'a/#', qos: 1 },
        { filter: 'b', qos: 0 },
      ],
      subscriptionCount: 2,
      inFlightMessages: 1,
      unreleasedMessages: 1,
      expirySeconds: null,
      traffic: { receivedMessages: 1, sentMessages: 1 },
      lastError: null,
    })
  })

  test('tells what was dropped and why the connection was ended last', async () => {
    const { hub, port, httpPort } = await startHubWithHttp({ config: { limits: { maxQueuedMessages: 1 } } })
    const api = new ApiClient(httpPort)
    const client = await join5(port, 's', KEPT)
    await client.subscribe(['a', 1])
    hub.disconnect('s')
    await client.untilClosed()
    const publisher = await join5(port, 'p')
    for (const payload of ['1', '2', '3']) {
      publisher.send(publishPacket({ topic: 'a', payload, qos: 1, properties: [] }))
      await publisher.next('PUBACK')
    }
    expect(await api.get('/clients/s')).toMatchObject({
      body: {
        queuedMessages: 1,
        dropped: { 'queue-full': 2 },
        lastError: { reason: 'disconnected by the administrator', atMs: expect.any(Number) },
      },
    })
  })

  test('names the transport of a client that came over WebSocket', async () => {
    const { httpPort } = await startHubWithHttp()
    const client = await openRawWebSocketClient(httpPort)
    await client.connect({ clientId: 'w' })
    expect(await new ApiClient(httpPort).get('/clients/w')).toMatchObject({
      body: { connection: { transport: 'websocket' } },
    })
  })

  test('is asked for by an identifier nearly as long as MQTT has them, whatever is in it', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const clientId = '/ж%'.repeat(16_000)
    await join(port, clientId)
    const answer = await new ApiClient(httpPort).get(`/clients/${encodeURIComponent(clientId)}`)
    expect(answer).toMatchObject({ status: 200, body: { clientId } })
  })

  test('answers 404 for a client that nobody knows', async () => {
    const { httpPort } = await startHubWithHttp()
    expectProblem(await new ApiClient(httpPort).get('/clients/nobody'), 404)
  })
})

describe('POST /api/v1/clients/{clientId}/disconnect', () => {
  test('ends the connection and leaves the session', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const client = await join5(port, 's', KEPT)
    expect((await api.post('/clients/s/disconnect')).status).toBe(204)
    expect(await client.untilDisconnected()).toBe(0x98)
    expect(await api.get('/clients/s')).toMatchObject({ status: 200, body: { connection: null } })
    expectProblem(await api.post('/clients/s/disconnect'), 409)
    expectProblem(await api.post('/clients/nobody/disconnect'), 404)
  })
})

describe('DELETE /api/v1/clients/{clientId}/session', () => {
  test('ends the session with what waits, and the connection', async () => {
    const { hub, port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const here = await join5(port, 'here', KEPT)
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['a', 1])
    await leave(away)
    const publisher = await join5(port, 'p')
    publisher.send(publishPacket({ topic: 'a', payload: 'x', qos: 1, properties: [] }))
    await publisher.next('PUBACK')
    expect((await api.delete('/clients/here/session')).status).toBe(204)
    expect(await here.untilDisconnected()).toBe(0x98)
    expect((await api.delete('/clients/away/session')).status).toBe(204)
    expectProblem(await api.get('/clients/away'), 404)
    expectProblem(await api.delete('/clients/away/session'), 404)
    expect(hub.ledger.dropped['session-ended']).toBe(1)
    expect(await (await join5(port, 'again')).subscribe(['a', 1])).toBeDefined()
    await until(
      () => hub.pendingMessages === 0,
      () => 'nothing to be pending',
    )
  })
})
