import { describe, expect, test } from 'vitest'
import { join5, KEPT, publishAcknowledged } from '../../conformance/steps5.ts'
import { acknowledgePacket, publishPacket } from '../../support/packets.ts'
import { Id } from '../../support/properties.ts'
import { leave } from '../../support/steps.ts'
import { ApiClient, expectProblem, fieldOf } from '../../support/api.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'

/** The last message of `a/b` as the API explains it. */
async function explainLast(api: ApiClient, clientId?: string): Promise<unknown> {
  const answer = await api.get('/explain', { topic: 'a/b', ...(clientId !== undefined && { clientId }) })
  expect(answer.status).toBe(200)
  const messages = fieldOf(answer, 'messages')
  return Array.isArray(messages) ? messages[0] : undefined
}

async function summaryOf(api: ApiClient, query: Readonly<Record<string, string>>): Promise<string> {
  const summary = fieldOf(await api.get('/explain', query), 'summary')
  return Array.isArray(summary) ? summary.join('\n') : ''
}

describe('GET /api/v1/explain', () => {
  test('says that nobody subscribes', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expect(await publishAcknowledged(await join5(port, 'p'), 'a/b', 'x')).toBe(0x10)
    expect(await explainLast(api)).toMatchObject({ publisher: 'p', qos: 1, matched: 0, steps: [] })
    expect(await summaryOf(api, { topic: 'a/b' })).toMatch(/^Nobody subscribes to this topic\.\nThe last message came/)
  })

  test('follows a message from in flight to acknowledged', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const subscriber = await join5(port, 's')
    await subscriber.subscribe(['a/+', 1])
    await publishAcknowledged(await join5(port, 'p'), 'a/b', 'x')
    const { packetId } = await subscriber.next('PUBLISH')
    expect(await explainLast(api)).toMatchObject({ matched: 1, steps: [{ clientId: 's', outcome: 'sent', qos: 1 }] })
    subscriber.send(acknowledgePacket('PUBACK', packetId))
    await subscriber.restBeforePingresp()
    expect(await explainLast(api)).toMatchObject({ steps: [{ outcome: 'acknowledged', afterMs: expect.any(Number) }] })
    expect(await summaryOf(api, { topic: 'a/b', clientId: 's' })).toMatch(
      /Client "s" subscribes to it by "a\/\+" at QoS 1\.\n.*\nClient "s" acknowledged it, \d+\.\d ms after it came\./,
    )
  })

  test('says that a client is away, with its message queued or dropped', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const subscriber = await join5(port, 's', KEPT)
    await subscriber.subscribe(['a/b', 1])
    await leave(subscriber)
    const publisher = await join5(port, 'p')
    await publishAcknowledged(publisher, 'a/b', 'x')
    expect(await explainLast(api)).toMatchObject({ steps: [{ outcome: 'queued', reason: null }] })
    publisher.send(publishPacket({ topic: 'a/b', payload: 'y', properties: [] }))
    await publisher.restBeforePingresp()
    expect(await explainLast(api, 's')).toMatchObject({ steps: [{ outcome: 'dropped', reason: 'offline' }] })
    expect(await summaryOf(api, { topic: 'a/b', clientId: 's' })).toContain('Client "s" is away')
  })

  test('tells of each reason why a message was dropped', async () => {
    const { port, httpPort } = await startHubWithHttp({ config: { limits: { maxQueuedMessages: 1 } } })
    const api = new ApiClient(httpPort)
    const away = await join5(port, 'away', KEPT)
    await away.subscribe(['a/b', 1])
    await leave(away)
    const small = await join5(port, 'small', { properties: [[Id.MAXIMUM_PACKET_SIZE, 60]] })
    await small.subscribe(['a/b', 1])
    const publisher = await join5(port, 'p')
    await publishAcknowledged(publisher, 'a/b', 'x'.repeat(100), [[Id.MESSAGE_EXPIRY, 0]])
    expect(await explainLast(api, 'small')).toMatchObject({ steps: [{ outcome: 'dropped', reason: 'too-large' }] })
    await join5(port, 'away', KEPT)
    expect(await explainLast(api, 'away')).toMatchObject({ steps: [{ outcome: 'dropped', reason: 'expired' }] })
  })

  test('names the nearest filter of a client that got nothing', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const client = await join5(port, 'c')
    await client.subscribe(['x', 0], ['home/Lamp/state', 0], ['home/lamp', 0])
    await publishAcknowledged(await join5(port, 'p'), 'home/lamp/state', 'on')
    const query = { topic: 'home/lamp/state', clientId: 'c' }
    expect(await api.get('/explain', query)).toMatchObject({
      body: {
        subscriptions: [],
        nearest: {
          filter: 'home/lamp',
          matchingLevels: 2,
          departure: 'shorter',
          filterLevel: null,
          topicLevel: 'state',
          difference: 'it ends after level 2, the topic has 3 levels',
        },
        messages: [{ matched: 0, steps: [] }],
      },
    })
    expect(await summaryOf(api, query)).toContain('no subscription that matches. The nearest is "home/lamp": it ends')
    expect(await summaryOf(api, { topic: 'a', clientId: 'nobody' })).toContain(
      'Client "nobody" is not connected and has no kept session',
    )
  })

  test('shows the members of a shared subscription and which of them got it', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    for (const clientId of ['s1', 's2']) await (await join5(port, clientId)).subscribe(['$share/g/a/#', 0])
    await publishAcknowledged(await join5(port, 'p'), 'a/b', 'x')
    expect(await api.get('/explain', { topic: 'a/b' })).toMatchObject({
      body: {
        subscribers: 1,
        subscriptions: [
          { clientId: 's1', filter: '$share/g/a/#', isConnected: true },
          { clientId: 's2', filter: '$share/g/a/#' },
        ],
        messages: [{ matched: 1, steps: [{ clientId: 's1', group: '$share/g/a/#', outcome: 'delivered' }] }],
      },
    })
  })

  test('says that only the hub publishes there', async () => {
    const { httpPort } = await startHubWithHttp()
    expect(await summaryOf(new ApiClient(httpPort), { topic: '$hub/x' })).toContain(
      'Clients cannot publish to "$hub/x": only the hub publishes to $SYS, $hub and $history.',
    )
  })

  test('keeps the last 16 messages that were followed and counts the others', async () => {
    const { port, httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    const publisher = await join5(port, 'p')
    for (let i = 0; i < 20; i++) await publishAcknowledged(publisher, 'a/b', String(i))
    const answer = await api.get('/explain', { topic: 'a/b' })
    const messages = fieldOf(answer, 'messages')
    const followed = Array.isArray(messages) ? messages.length : 0
    expect(followed).toBeGreaterThanOrEqual(5)
    expect(followed).toBeLessThanOrEqual(16)
    expect(Number(fieldOf(answer, 'unfollowedMessages'))).toBeLessThanOrEqual(15)
    expect(Number(fieldOf(answer, 'unfollowedMessages'))).toBeGreaterThan(0)
  })

  test('refuses what is no topic name', async () => {
    const { httpPort } = await startHubWithHttp()
    const api = new ApiClient(httpPort)
    expectProblem(await api.get('/explain'), 400, 'topic')
    expectProblem(await api.get('/explain', { topic: 'a/+' }), 400, 'topic')
    expectProblem(await api.get('/explain', { topic: 'a', clientId: '' }), 400, 'clientId')
  })
})
