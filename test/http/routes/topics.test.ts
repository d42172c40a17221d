import { describe, expect, test } from 'vitest'
import { ApiClient, cursorOf, eachOf, expectProblem, fieldOf } from '../../support/api.ts'
import { publishPacket } from '../../support/packets.ts'
import { join, message, publish } from '../../support/steps.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

describe('GET /api/v1/topics', () => {
  test('shows the tree level by level, with counts of all that is below', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    await publish(publisher, message('b', '1'), message('a/x', '22'), message('a/x', '333'), message('a/y/z', '4'))
    expect(await api.get('/topics')).toMatchObject({
      status: 200,
      body: {
        levels: [
          { level: 'a', prefix: 'a/', topics: 2, messages: 3, hasChildren: true, topic: null },
          { level: 'b', prefix: 'b/', topics: 1, messages: 1, hasChildren: false, topic: { topic: 'b', messages: 1 } },
        ],
        nextCursor: null,
      },
    })
    const below = await api.get('/topics', { prefix: 'a/' })
    expect(eachOf(below, 'levels', 'prefix')).toEqual(['a/x/', 'a/y/'])
    expect(below).toMatchObject({
      body: {
        levels: [
          {
            bytes: 2 + 2 + 3 + 2 + 2 + 2 + 3 + 3,
            topic: { last: { payload: '333', publisher: 'p', qos: 0, retain: false, payloadBytes: 3, isWhole: true } },
          },
          { topic: null },
        ],
      },
    })
  })

  test('tells levels that are empty apart', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    await publish(await join(port, 'p'), message('/a'), message('//b'), message('c/'))
    const prefixes = async (prefix: string): Promise<unknown[]> =>
      eachOf(await api.get('/topics', { prefix }), 'levels', 'prefix')
    expect(await prefixes('')).toEqual(['/', 'c/'])
    expect(await prefixes('/')).toEqual(['//', '/a/'])
    expect(await prefixes('//')).toEqual(['//b/'])
    expect(await prefixes('c/')).toEqual(['c//'])
    expect(await prefixes('nowhere/')).toEqual([])
  })

  test('goes on page by page without a double when topics come between', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    await publish(publisher, ...['e', 'c', 'a', 'd', 'b'].map((topic) => message(topic)))
    const first = await api.get('/topics', { limit: 2 })
    await publish(publisher, message('a2'), message('c2'))
    const rest = await api.get('/topics', { cursor: cursorOf(first) })
    expect(eachOf(first, 'levels', 'level')).toEqual(['a', 'b'])
    expect(eachOf(rest, 'levels', 'level')).toEqual(['c', 'c2', 'd', 'e'])
    expect(fieldOf(rest, 'nextCursor')).toBeNull()
    expectProblem(await api.get('/topics', { prefix: 'x/', cursor: cursorOf(first) }), 400, 'cursor')
  })
})

describe('GET /api/v1/topics/one', () => {
  test('has the last message, whatever was in it', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    const last = async (payload: Buffer): Promise<unknown> => {
      await publish(publisher, publishPacket({ topic: 'a/b', payload }))
      return fieldOf(await api.get('/topics/one', { topic: 'a/b' }), 'last')
    }
    expect(await last(Buffer.from('день'))).toMatchObject({ payload: 'день', isWhole: true })
    expect(await last(Buffer.from([0xff, 0x00]))).toMatchObject({ payloadBase64: '/wA=', isWhole: true })
    expect(await last(Buffer.alloc(0))).toMatchObject({ payload: '', payloadBytes: 0 })
    // 511 letters and one of two bytes that is cut in the middle.
    expect(await last(Buffer.from(`${'x'.repeat(511)}ж`))).toMatchObject({
      payload: 'x'.repeat(511),
      payloadBytes: 513,
      isWhole: false,
    })
  })

  test('answers 404 for a topic that was not published to', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.get('/topics/one', { topic: 'a' }), 404)
    expectProblem(await api.get('/topics/one'), 400, 'topic')
  })
})

describe('GET /api/v1/topics/top', () => {
  test('has those first that talk most', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join(port, 'p')
    await publish(publisher, message('few', 'x'.repeat(500)), message('most'), message('most'), message('most'))
    expect(eachOf(await api.get('/topics/top', { by: 'messages' }), 'topics', 'topic')).toEqual(['most', 'few'])
    expect(eachOf(await api.get('/topics/top', { by: 'bytes' }), 'topics', 'topic')).toEqual(['few', 'most'])
    expect(eachOf(await api.get('/topics/top', { limit: 1 }), 'topics', 'topic')).toEqual(['most'])
    expectProblem(await api.get('/topics/top', { by: 'name' }), 400, 'by')
  })
})
