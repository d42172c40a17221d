import { describe, expect, test } from 'vitest'
import { join5 } from '../../conformance/steps5.ts'
import { publishPacket } from '../../support/packets.ts'
import { Id } from '../../support/properties.ts'
import { join, message, publish } from '../../support/steps.ts'
import { ApiClient, cursorOf, eachOf, expectProblem, fieldOf } from '../../support/api.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

describe('GET /api/v1/messages', () => {
  test('has messages with all that came with them, the newest first', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join5(port, 'p')
    await publish(
      publisher,
      publishPacket({ topic: 'a/1', payload: 'first', properties: [] }),
      publishPacket({
        topic: 'a/2',
        payload: Buffer.from([0xff]),
        qos: 1,
        packetId: 1,
        retain: true,
        properties: [
          [Id.CONTENT_TYPE, 'image/x'],
          [Id.USER_PROPERTY, ['k', 'v']],
        ],
      }),
    )
    expect(await api.get('/messages')).toMatchObject({
      status: 200,
      body: {
        messages: [
          {
            sequence: 2,
            topic: 'a/2',
            publisher: 'p',
            payloadBase64: '/w==',
            qos: 1,
            retain: true,
            properties: { contentType: 'image/x', userProperties: [['k', 'v']] },
          },
          { sequence: 1, topic: 'a/1', payload: 'first', qos: 0, retain: false, atMs: expect.any(Number) },
        ],
        nextCursor: null,
        isComplete: true,
      },
    })
  })

  test('shows how large payloads begin, or all of them when asked, a MiB and the one that passes it to a page', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (let i = 0; i < 5; i++) await hub.publish('big', `${i}`.repeat(600_000), { qos: 1 })
    const short = await api.get('/messages')
    expect(short.body).toMatchObject({ nextCursor: null, isComplete: true })
    expect(eachOf(short, 'messages', 'payload')).toEqual(['4', '3', '2', '1', '0'].map((text) => text.repeat(4096)))
    const full = await api.get('/messages', { payload: 'full' })
    expect(full.body).toMatchObject({ isComplete: false })
    expect(eachOf(full, 'messages', 'payload')).toEqual(['4'.repeat(600_000), '3'.repeat(600_000)])
    const rest = await api.get('/messages', { payload: 'full', cursor: cursorOf(full) })
    expect(eachOf(rest, 'messages', 'payload')).toEqual(['2'.repeat(600_000), '1'.repeat(600_000)])
  })

  test('goes on page by page in both orders while messages come', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    await publish(publisher, ...Array.from({ length: 10 }, (_, i) => message('a', String(i))))
    const newest = await api.get('/messages', { filter: 'a', limit: 4 })
    await publish(publisher, message('a', '10'))
    const older = await api.get('/messages', { filter: 'a', limit: 4, cursor: cursorOf(newest) })
    expect([newest, older].flatMap((page) => eachOf(page, 'messages', 'payload'))).toEqual('98765432'.split(''))
    const first = await api.get('/messages', { filter: 'a', limit: 6, order: 'oldest' })
    const rest = await api.get('/messages', { filter: 'a', order: 'oldest', limit: 6, cursor: cursorOf(first) })
    expect([first, rest].flatMap((page) => eachOf(page, 'messages', 'payload'))).toEqual(
      '0 1 2 3 4 5 6 7 8 9 10'.split(' '),
    )
  })

  test('finds by filter, text, a condition on JSON, and place', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const payloads = ['{"t":20}', '{"t":25,"unit":"C"}', 'Overheated', '{"t":30}']
    await publish(await join(port, 'p'), ...payloads.map((payload, i) => message(`room/${i}/temp`, payload)))
    const found = async (query: Readonly<Record<string, string | number>>): Promise<unknown[]> =>
      eachOf(await api.get('/messages', { order: 'oldest', ...query }), 'messages', 'sequence')
    expect(await found({ filter: 'room/+/temp', where: '@.t > 20' })).toEqual([2, 4])
    expect(await found({ text: 'OVERHEAT' })).toEqual([3])
    expect(await found({ filter: 'room/1/#' })).toEqual([2])
    expect(await found({ after: 'seq:1', before: 'seq:4' })).toEqual([2, 3])
    expect(await found({ after: '1h' })).toEqual([1, 2, 3, 4])
    expect(await found({ before: '2020-01-01T00:00:00Z' })).toEqual([])
    const around = await api.get('/messages', { around: 'seq:3', limit: 2 })
    expect(eachOf(around, 'messages', 'sequence')).toEqual([2, 3])
    expect(fieldOf(around, 'previousCursor')).toEqual(expect.any(String))
  })

  test('refuses what cannot be, naming the parameter', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (const before of ['-1', 'NaN', '2999-01-01', '99999999999999', 'yesterday', '1e5', '2026-13-45']) {
      expectProblem(await api.get('/messages', { before }), 400, 'before')
    }
    expectProblem(await api.get('/messages', { filter: 'a/#/b' }), 400, 'filter')
    expectProblem(await api.get('/messages', { where: '@.a >' }), 400)
    expectProblem(await api.get('/messages', { cursor: 'nonsense' }), 400)
    expectProblem(await api.get('/messages', { around: 'seq:1', before: 'seq:2' }), 400, 'around')
    expectProblem(await api.get('/messages', { limit: 1001 }), 400, 'limit')
    expectProblem(await api.get('/messages', { text: '' }), 400, 'text')
  })
})

describe('GET /api/v1/history/export and POST /api/v1/history/import', () => {
  test('carry messages from one hub to another', async () => {
    const [from, to] = [await startHubWithHttp(), await startHubWithHttp()]
    await publish(await join(from.port, 'p'), message('a', '1'), message('b', '2'), message('a', '3'))
    const exported = await fetch(`http://127.0.0.1:${from.httpPort}/api/v1/history/export?filter=a`)
    expect(exported.headers.get('content-type')).toBe('application/x-ndjson')
    const text = await exported.text()
    const answer = await importInto(to.httpPort, text)
    expect([answer.status, await answer.json()]).toEqual([200, { imported: 2, tooOld: 0, faulty: 0, faults: [] }])
    const messages = await new ApiClient(to.httpPort).get('/messages', { order: 'oldest' })
    expect(eachOf(messages, 'messages', 'payload')).toEqual(['1', '3'])
  })

  test('read line by line what is larger than the memory that there is', async () => {
    const { httpPort } = await startHubWithHttp({ config: { limits: { memory: 64 * 1024 ** 2 } } })
    const lines = 300
    const answer = await importInto(httpPort, `${'x'.repeat(100_000)}\n`.repeat(lines))
    expect(await answer.json()).toMatchObject({ imported: 0, faulty: lines })
  })

  test('refuse what they cannot read', async () => {
    const { httpPort } = await startHubWithHttp()
    expectProblem(await new ApiClient(httpPort).get('/history/export', { filter: 'a/#/b' }), 400, 'filter')
    expect((await importInto(httpPort, '{}', 'application/json')).status).toBe(400)
    expect((await importInto(httpPort, 'x', 'text/plain')).status).toBe(415)
    expect(await (await importInto(httpPort, 'nonsense')).json()).toMatchObject({ imported: 0, faulty: 1 })
  })
})

async function importInto(httpPort: number, body: string, type = 'application/x-ndjson'): Promise<Response> {
  const url = `http://127.0.0.1:${httpPort}/api/v1/history/import`
  return fetch(url, { method: 'POST', headers: { 'Content-Type': type }, body })
}
