import { describe, expect, test } from 'vitest'
import { join5, KEPT } from '../../conformance/steps5.ts'
import { publishPacket } from '../../support/packets.ts'
import { Id } from '../../support/properties.ts'
import { join, leave, takePayloads } from '../../support/steps.ts'
import { ApiClient, expectProblem } from '../../support/api.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

test('GET /api/v1/limits tells how large a message may be', async () => {
  const { httpPort } = await startHubWithHttp({
    config: { limits: { maxTopicBytes: 99, maxTopicLevels: 7, maxPacketBytes: 4096 } },
  })
  const answer = await new ApiClient(httpPort).get('/limits')
  expect(answer.body).toEqual({ maxTopicBytes: 99, maxTopicLevels: 7, maxPacketBytes: 4096 })
})

/** Members of an object, all of other names. */
function many(count: number): [string, number][] {
  return Array.from({ length: count }, (_, i) => [`k${i}`, i])
}

describe('POST /api/v1/publish', () => {
  test('publishes with every property of MQTT 5, unaltered', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/b', 2])
    const answer = await new ApiClient(httpPort).post('/publish', {
      topic: 'a/b',
      payload: 'жизнь',
      qos: 2,
      properties: {
        isText: true,
        messageExpirySeconds: 60,
        contentType: 'text/plain',
        responseTopic: 're/ply',
        correlationDataBase64: '/w==',
        userProperties: [
          ['a', '1'],
          ['a', '2'],
        ],
      },
    })
    expect(answer).toMatchObject({ status: 200, body: { topic: 'a/b', matched: 1 } })
    const packet = await subscriber.next('PUBLISH')
    expect(packet.payload.toString()).toBe('жизнь')
    expect(packet.qos).toBe(2)
    expect(new Map(packet.properties.map(([id, value]) => [id, value]))).toEqual(
      new Map<number, unknown>([
        [Id.PAYLOAD_FORMAT, 1],
        [Id.MESSAGE_EXPIRY, expect.any(Number)],
        [Id.CONTENT_TYPE, 'text/plain'],
        [Id.RESPONSE_TOPIC, 're/ply'],
        [Id.CORRELATION_DATA, Buffer.from([0xff])],
        [Id.USER_PROPERTY, ['a', '2']],
      ]),
    )
  })

  test('takes a payload as text, as JSON, in base64, or none', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const subscriber = await join(port, 's')
    await subscriber.subscribe(['#', 0])
    await api.post('/publish', { topic: 'a', payload: 'text' })
    await api.post('/publish', { topic: 'a', payloadJson: { x: [1, null] } })
    await api.post('/publish', { topic: 'a', payloadJson: null })
    await api.post('/publish', { topic: 'a', payloadBase64: 'aGk=' })
    await api.post('/publish', { topic: 'a' })
    expect(await takePayloads(subscriber)).toEqual(['text', '{"x":[1,null]}', 'null', 'hi', ''])
  })

  test('is answered when the message is stored: it is there after a restart', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const before = await join5(port, 's', KEPT)
    await before.subscribe(['a', 1])
    await leave(before)
    expect(await new ApiClient(httpPort).post('/publish', { topic: 'a', payload: 'x', qos: 1 })).toMatchObject({
      body: { matched: 1 },
    })
    const again = await join5(port, 's', KEPT)
    expect((await again.next('PUBLISH')).payload.toString()).toBe('x')
  })

  test('refuses what it cannot publish, naming the parameter', async () => {
    const { httpPort } = await startHubWithHttp({ config: { limits: { maxRetainedMessages: 1 } } })
    const api = new ApiClient(httpPort)
    expectProblem(await api.post('/publish', {}), 400, 'topic')
    expectProblem(await api.post('/publish', { topic: 'a/#' }), 400, 'topic')
    expectProblem(await api.post('/publish', { topic: '' }), 400, 'topic')
    expectProblem(await api.post('/publish', { topic: 'a', qos: 3 }), 400)
    expectProblem(await api.post('/publish', { topic: 'a', payloadBase64: '***' }), 400, 'payloadBase64')
    expectProblem(await api.post('/publish', { topic: 'a', payload: 'x', payloadJson: 1 }), 400, 'payloadJson')
    expectProblem(await api.post('/publish', { topic: 'a', quality: 1 }), 400, 'quality')
    const wrongProperty = { topic: 'a', properties: { responseTopic: 'a/+' } }
    expectProblem(await api.post('/publish', wrongProperty), 400, 'properties/responseTopic')
    expectProblem(await api.post('/publish', { topic: '$SYS/x' }), 409)
    expect((await api.post('/publish', { topic: 'a', payload: 'x', retain: true })).status).toBe(200)
    expectProblem(await api.post('/publish', { topic: 'b', payload: 'x', retain: true }), 409)
  })

  test('takes JSON with any keys, and refuses what is nested deeper than it can be written', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const subscriber = await join(port, 's')
    await subscriber.subscribe(['#', 0])
    const post = async (path: string, body: string) => {
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1${path}`, { method: 'POST', body, headers })
      const json: unknown = await answer.json()
      return { status: answer.status, headers: answer.headers, body: json }
    }
    const keys = '{"__proto__":{"x":1},"constructor":{"prototype":2},"prototype":3}'
    expect(await post('/publish', `{"topic":"a","payloadJson":${keys}}`)).toMatchObject({ status: 200 })
    expect(await takePayloads(subscriber)).toEqual([keys])
    expectProblem(await post('/publish', '{"topic":"a","__proto__":{"payload":"x"}}'), 400, '__proto__')
    const lists = `${'['.repeat(19_000)}${']'.repeat(19_000)}`
    const objects = `${'{"a":'.repeat(9_900)}1${'}'.repeat(9_900)}`
    expectProblem(await post('/publish', `{"topic":"a","payloadJson":${lists}}`), 400, 'payloadJson')
    expectProblem(await post('/publish/many', `[{"topic":"a","payloadJson":${objects}}]`), 400, '0/payloadJson')
    expectProblem(await post('/publish/many', lists), 400, '0')
    expectProblem(await post('/publish/many', `[${objects}]`), 400)
  })

  test('refuses JSON of very many parts, which takes long to parse, but not text that looks like it', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const subscriber = await join(port, 's')
    await subscriber.subscribe(['#', 0])
    const api = new ApiClient(httpPort)
    for (const payloadJson of [
      Array.from({ length: 20_000 }, () => ({})),
      Array.from({ length: 20_001 }, () => 1),
      Object.fromEntries(many(10_000)),
    ]) {
      const refused = await api.post('/publish', { topic: 'a', payloadJson })
      expect(refused).toMatchObject({ status: 413, body: { type: 'urn:hubbub:problem:body-too-large' } })
    }
    const payload = `"\\${'[{,:'.repeat(100_000)}`
    expect(await api.post('/publish', { topic: 'a', payload })).toMatchObject({ status: 200 })
    expect(await takePayloads(subscriber)).toEqual([payload])
    expect(
      await api.post('/publish', { topic: 'a', payloadJson: Array.from({ length: 19_000 }, () => 1) }),
    ).toMatchObject({
      status: 200,
    })
  })

  test('refuses bodies that are no JSON or too large', async () => {
    const { httpPort } = await startHubWithHttp()
    const url = `http://127.0.0.1:${httpPort}/api/v1/publish`
    const json = { 'Content-Type': 'application/json' }
    expect((await fetch(url, { method: 'POST', body: '{', headers: json })).status).toBe(400)
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(415)
    expect((await fetch(url, { method: 'POST' })).status).toBe(400)
    const large = JSON.stringify({ topic: 'a', payload: 'x'.repeat(5 * 1024 ** 2) })
    const answer = await fetch(url, { method: 'POST', body: large, headers: json })
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ title: 'The body is too large' })
  })
})

describe('POST /api/v1/publish/many', () => {
  test('publishes all in their order', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const subscriber = await join(port, 's')
    await subscriber.subscribe(['a', 0])
    const messages = Array.from({ length: 1000 }, (_, i) => ({ topic: 'a', payload: String(i) }))
    expect(await new ApiClient(httpPort).post('/publish/many', messages)).toMatchObject({
      status: 200,
      body: { messages: 1000 },
    })
    expect(await takePayloads(subscriber)).toEqual(messages.map(({ payload }) => payload))
  })

  test('publishes none when one is not valid, and names it', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.post('/publish/many', [{ topic: 'a' }, { topic: 'b/+' }]), 400, '1/topic')
    expectProblem(await api.post('/publish/many', []), 400)
    expectProblem(
      await api.post(
        '/publish/many',
        Array.from({ length: 1001 }, () => ({ topic: 'a' })),
      ),
      400,
    )
    expect(hub.ledger.matched).toBe(0)
  })
})

describe('POST /api/v1/request', () => {
  test('waits for the reply that has its Correlation Data', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const device = await join5(port, 'lamp')
    await device.subscribe(['lamp/set', 1])
    const answer = new ApiClient(httpPort).post('/request', { topic: 'lamp/set', payloadJson: { on: true } })
    const { properties } = await device.next('PUBLISH')
    const fields = new Map(properties.map(([id, value]) => [id, value]))
    const topic = String(fields.get(Id.RESPONSE_TOPIC))
    const correlation = fields.get(Id.CORRELATION_DATA) ?? ''
    device.send(publishPacket({ topic, payload: 'of another', properties: [[Id.CORRELATION_DATA, 'x']] }))
    device.send(publishPacket({ topic, payload: 'ok', properties: [[Id.CORRELATION_DATA, correlation]] }))
    expect(await answer).toMatchObject({ status: 200, body: { topic, payload: 'ok', latencyMs: expect.any(Number) } })
  })

  test('takes the reply of a client of 3.1.1, which has no Correlation Data', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const device = await join(port, 'lamp')
    await device.subscribe(['lamp/set', 0])
    const request = { topic: 'lamp/set', properties: { responseTopic: 'lamp/reply' } }
    const answer = new ApiClient(httpPort).post('/request', request)
    await device.next('PUBLISH')
    device.send(publishPacket({ topic: 'lamp/reply', payload: 'ok' }))
    expect(await answer).toMatchObject({ status: 200, body: { topic: 'lamp/reply', payload: 'ok' } })
  })

  test('says when nobody listens, and when nobody answers in time', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.post('/request', { topic: 'nobody' }), 404)
    const device = await join(port, 'mute')
    await device.subscribe(['mute', 0])
    expectProblem(await api.post('/request', { topic: 'mute', timeoutMs: 100 }), 504)
    expectProblem(await api.post('/request', { topic: 'mute', timeoutMs: 99 }), 400, 'timeoutMs')
    expectProblem(await api.post('/request', { topic: 'mute', timeoutMs: 60_001 }), 400, 'timeoutMs')
  })
})

test('POST /api/v1/publish/many publishes in order, and lets others go in between', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const payloads: string[] = []
  let turns = 0
  const count = (): void => {
    if (payloads.length === 0 || payloads.length === 100) return
    turns++
    setImmediate(count)
  }
  hub.subscribe('many', ({ payload }) => {
    payloads.push(payload.toString())
    if (payloads.length === 1) setImmediate(count)
    // A handler that computes.
    const endMs = performance.now() + 1
    while (performance.now() < endMs);
  })
  const messages = Array.from({ length: 100 }, (_, i) => ({ topic: 'many', payload: `${i}` }))
  const { status, body } = await new ApiClient(httpPort).post('/publish/many', messages)
  expect([status, body]).toMatchObject([200, { messages: 100 }])
  expect(payloads).toEqual(messages.map(({ payload }) => payload))
  expect(turns).toBeGreaterThan(5)
})
