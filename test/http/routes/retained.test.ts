import { describe, expect, test } from 'vitest'
import { ApiClient, cursorOf, eachOf, expectProblem, fieldOf } from '../../support/api.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'
import { join5 } from '../../conformance/steps5.ts'
import { publishPacket } from '../../support/packets.ts'
import { Id } from '../../support/properties.ts'
import { isPublish, join, message, payloadsOf, publish } from '../../support/steps.ts'

describe('GET /api/v1/retained', () => {
  test('lists by filter, a page at a time, in the order of topics', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    await publish(publisher, ...['a/3', 'a/1', 'b', 'a/2'].map((topic) => message(topic, topic, true)))
    const first = await api.get('/retained', { filter: 'a/+', limit: 2 })
    expect(first).toMatchObject({
      status: 200,
      body: { messages: [{ topic: 'a/1', payload: 'a/1', retain: true, publisher: 'p', qos: 0 }, { topic: 'a/2' }] },
    })
    const rest = await api.get('/retained', { filter: 'a/+', cursor: cursorOf(first) })
    expect(eachOf(rest, 'messages', 'topic')).toEqual(['a/3'])
    expect(eachOf(await api.get('/retained'), 'messages', 'topic')).toEqual(['a/1', 'a/2', 'a/3', 'b'])
    expectProblem(await api.get('/retained', { filter: 'a/#/b' }), 400, 'filter')
  })

  test('shows how large payloads begin, or all of them when asked, a MiB and the one that passes it to a page', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (let i = 0; i < 5; i++) await hub.publish(`big/${i}`, `${i}`.repeat(600_000), { retain: true })
    const short = await api.get('/retained')
    expect(short.body).toMatchObject({ nextCursor: null, isComplete: true })
    expect(eachOf(short, 'messages', 'payloadBytes')).toEqual(Array(5).fill(600_000))
    expect(eachOf(short, 'messages', 'isWhole')).toEqual(Array(5).fill(false))
    expect(eachOf(short, 'messages', 'payload')).toEqual(['0', '1', '2', '3', '4'].map((text) => text.repeat(4096)))
    const topics: unknown[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page = await api.get('/retained', { payload: 'full', ...(cursor !== '' && { cursor }) })
      expect(eachOf(page, 'messages', 'isWhole')).not.toContain(false)
      topics.push(eachOf(page, 'messages', 'topic'))
      expect(fieldOf(page, 'isComplete')).toBe(fieldOf(page, 'nextCursor') === null)
      cursor = fieldOf(page, 'nextCursor') === null ? undefined : cursorOf(page)
    }
    expect(topics).toEqual([['big/0', 'big/1'], ['big/2', 'big/3'], ['big/4']])
    const one = { topic: 'big/3', payload: 'full' }
    expect((await api.get('/retained/one', one)).body).toMatchObject({ payload: '3'.repeat(600_000), isWhole: true })
  })

  test('ends a page that has searched enough, and goes on behind it', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (let i = 0; i < 25; i++) await hub.publish(`big/${i + 10}`, 'x'.repeat(1_000_000), { retain: true })
    await hub.publish('small', 'sought', { retain: true })
    let pages = 0
    let page = await api.get('/retained', { text: 'sought' })
    for (; fieldOf(page, 'nextCursor') !== null; pages++) {
      expect(page.body).toMatchObject({ messages: [], isComplete: false })
      page = await api.get('/retained', { text: 'sought', cursor: cursorOf(page) })
    }
    expect(eachOf(page, 'messages', 'topic')).toEqual(['small'])
    expect(pages).toBe(2)
  })

  test('finds a text in topics and payloads, and tells when a message came', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    await hub.publish('home/Lamp', 'on', { retain: true })
    await hub.publish('home/heater', 'next to the LAMP', { retain: true })
    await hub.publish('home/door', 'closed', { retain: true })
    await hub.publish('home/heater', 'not retained')
    const found = await api.get('/retained', { text: 'lamp' })
    expect(found.body).toMatchObject({
      messages: [
        { topic: 'home/Lamp', atMs: expect.any(Number) },
        { topic: 'home/heater', atMs: expect.any(Number) },
      ],
    })
    const query = { filter: 'home/#', text: 'lamp' }
    expect((await api.delete('/retained', { ...query, dryRun: true })).body).toMatchObject({ messages: 2 })
    await api.delete('/retained', query)
    expect(eachOf(await api.get('/retained'), 'messages', 'topic')).toEqual(['home/door'])
  })
})

describe('GET /api/v1/retained/one', () => {
  test('has the message with its properties', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join5(port, 'p')
    publisher.send(
      publishPacket({ topic: 'a', payload: 'x', qos: 1, retain: true, properties: [[Id.USER_PROPERTY, ['k', 'v']]] }),
    )
    await publisher.next('PUBACK')
    expect(await api.get('/retained/one', { topic: 'a' })).toMatchObject({
      body: { topic: 'a', payload: 'x', qos: 1, properties: { userProperties: [['k', 'v']] } },
    })
    expectProblem(await api.get('/retained/one', { topic: 'b' }), 404)
  })
})

describe('DELETE /api/v1/retained', () => {
  test('counts them first when asked to, and deletes nothing then', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    await publish(await join(port, 'p'), message('a/1', 'x', true), message('a/2', 'y', true), message('b', 'z', true))
    expect(await api.delete('/retained', { filter: 'a/#', dryRun: true })).toMatchObject({
      status: 200,
      body: { messages: 2, topics: ['a/1', 'a/2'], isDryRun: true, canUndo: true, undoToken: null },
    })
    expect(eachOf(await api.get('/retained'), 'messages', 'topic')).toEqual(['a/1', 'a/2', 'b'])
  })

  test('deletes what the filter reaches, tells subscribers, and can be undone once', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    await publish(publisher, message('a/1', 'x', true), message('a/2', 'y', true), message('b', 'z', true))
    const watcher = await join(port, 'w')
    await watcher.subscribe(['a/#', 0])
    expect(payloadsOf((await watcher.restBeforePingresp()).filter(isPublish))).toEqual(['x', 'y'])
    const deleted = await api.delete('/retained', { filter: 'a/#' })
    expect(deleted).toMatchObject({ body: { messages: 2, isDryRun: false, undoUntilMs: expect.any(Number) } })
    expect(payloadsOf((await watcher.restBeforePingresp()).filter(isPublish))).toEqual(['', ''])
    expect(eachOf(await api.get('/retained'), 'messages', 'topic')).toEqual(['b'])
    await publish(publisher, message('a/2', 'newer', true))
    const undoToken = fieldOf(deleted, 'undoToken')
    expect(await api.post('/retained/undo', { undoToken })).toMatchObject({ body: { restored: 1, skipped: 1 } })
    expect(await api.get('/retained', { filter: 'a/#' })).toMatchObject({
      body: {
        messages: [
          { topic: 'a/1', payload: 'x', publisher: 'p' },
          { topic: 'a/2', payload: 'newer' },
        ],
      },
    })
    expect(payloadsOf((await watcher.restBeforePingresp()).filter(isPublish))).toEqual(['newer', 'x'])
    expectProblem(await api.post('/retained/undo', { undoToken }), 404)
    expectProblem(await api.post('/retained/undo', {}), 400, 'undoToken')
  })

  test('leaves what the hub says of itself', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.delete('/retained', { filter: '$SYS/#' }), 409)
    expect(eachOf(await api.get('/retained', { filter: '$SYS/broker/version' }), 'messages', 'topic')).toEqual([
      '$SYS/broker/version',
    ])
  })

  test('wants a filter', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.delete('/retained'), 400, 'filter')
    expectProblem(await api.delete('/retained', { filter: '#', dryRun: 'maybe' }), 400, 'dryRun')
  })
})
