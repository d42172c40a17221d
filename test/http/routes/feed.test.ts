import { connect } from 'node:net'
import { connectAsync } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { join5, KEPT } from '../../conformance/steps5.ts'
import { publishPacket } from '../../support/packets.ts'
import { join, leave, message, publish } from '../../support/steps.ts'
import { ApiClient, expectProblem } from '../../support/api.ts'
import { EventSourceClient } from '../../support/event-source.ts'
import { until } from '../../support/guard.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

describe('GET /api/v1/feed', () => {
  test('tells all topics that there are first, then those that had a message', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const publisher = await join(port, 'p')
    await publish(publisher, message('a/1', 'x'), message('a/2', 'y'), message('b', 'z'))
    const feed = await EventSourceClient.open(httpPort, { filter: 'a/#' })
    const first = await feed.next('topics')
    expect(first).toMatchObject([
      { topic: 'a/1', last: { payload: 'x' } },
      { topic: 'a/2', last: { payload: 'y' } },
    ])
    expect(await feed.next('ready')).toEqual([{ topics: 3 }])
    await publish(publisher, message('b', 'w'), message('a/2', 'v'), message('a/2', 'u'))
    expect(await feed.next('topics')).toMatchObject([{ topic: 'a/2', messages: 3, last: { payload: 'u' } }])
  })

  test('tells topics in short when asked to: name, messages, time, publisher and how the payload begins', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const publisher = await join(port, 'p')
    const long = '🎉'.repeat(100)
    await publish(
      publisher,
      message('a', 'x'),
      message('a', 'y'),
      message('b', long),
      publishPacket({ topic: 'c', payload: Buffer.of(0xff) }),
    )
    const feed = await EventSourceClient.open(httpPort, { form: 'short' })
    expect(await feed.next('topics')).toEqual([
      ['a', 2, expect.any(Number), 'p', 'y'],
      ['b', 1, expect.any(Number), 'p', `${'🎉'.repeat(60)}…`],
      ['c', 1, expect.any(Number), 'p', null],
    ])
    await publish(publisher, message('a', ''))
    expect(await feed.next('topics')).toEqual([['a', 3, expect.any(Number), 'p', '']])
  })

  test('tells with who comes what is published when it goes without saying so', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const feed = await EventSourceClient.open(httpPort, { events: 'presence' })
    const will = { topic: 'c/status', payload: Buffer.from('offline'), qos: 1 as const, retain: true }
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'c', will })
    onTestFinished(() => client.endAsync(true))
    expect(await feed.next('presence')).toMatchObject([
      { clientId: 'c', will: { topic: 'c/status', payload: 'offline', retain: true } },
    ])
    const { body } = await new ApiClient(httpPort).get('/clients/c')
    expect(body).toMatchObject({ connection: { will: { topic: 'c/status', payload: 'offline', retain: true } } })
  })

  test('tells who comes, leaves, and has no session any more', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const feed = await EventSourceClient.open(httpPort, { events: 'presence' })
    const kept = await join5(port, 'c', KEPT)
    expect(await feed.next('presence')).toMatchObject([{ clientId: 'c', state: 'here', atMs: expect.any(Number) }])
    await leave(kept)
    expect(await feed.next('presence')).toMatchObject([{ clientId: 'c', state: 'away' }])
    await new ApiClient(httpPort).delete('/clients/c/session')
    expect(await feed.next('presence')).toMatchObject([{ clientId: 'c', state: 'gone' }])
  })

  test('tells the numbers of the hub at once and again', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const feed = await EventSourceClient.open(httpPort, { events: 'overview' })
    expect(await feed.next('overview')).toMatchObject([{ received: [0, 0, 0] }])
    await publish(await join(port, 'p'), message('a'))
    expect(await feed.next('overview')).toMatchObject([{ received: [1, 0, 0], topics: 1 }])
  })

  test('holds no more than the latest of each topic for a client that does not read', async () => {
    const limits = { maxTopics: 5000, maxTopicMemoryBytes: 8 * 1024 ** 2 }
    const { port, httpPort } = await startHubWithHttp({ config: { limits } })
    const publisher = await join(port, 'p')
    const payload = 'x'.repeat(400)
    const all = (round: number): Buffer[] =>
      Array.from({ length: 5000 }, (_, i) => publishPacket({ topic: `t/${i}`, payload: `${round}${payload}` }))
    await publish(publisher, ...all(0))
    const socket = connect(httpPort, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.pause()
    socket.write('GET /api/v1/feed?events=topics HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const before = process.memoryUsage().rss
    for (let round = 1; round <= 9; round++) {
      await publish(publisher, ...all(round))
    }
    const latest = `9${payload}`
    const chunks: string[] = []
    let isThere = false
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      isThere ||= `${chunks.at(-1)?.slice(-latest.length) ?? ''}${chunk}`.includes(latest)
      chunks.push(chunk)
    })
    socket.resume()
    await until(
      () => isThere,
      () => 'the latest to come',
    )
    const text = chunks.join('')
    // Ten rounds in full would be ten times 5,000.
    expect(text.split('"topic":').length).toBeLessThan(4 * 5000)
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 ** 2)
  })

  test('ends when the hub stops', async () => {
    const { hub, httpPort } = await startHubWithHttp()
    const feed = await EventSourceClient.open(httpPort)
    await feed.next('ready')
    const [, stopped] = await Promise.all([feed.untilEnd(), hub.stop()])
    expect(stopped).toBeUndefined()
  })

  test('refuses filters and events that are none', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.get('/feed', { filter: 'a/#/b' }), 400, 'filter')
    expectProblem(await api.get('/feed', { events: 'topics,weather' }), 400, 'events')
  })
})
