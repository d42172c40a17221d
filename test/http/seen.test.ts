import { describe, expect, test } from 'vitest'
import { AccessRules } from '../../src/auth/rules/access-rules.ts'
import { Groups } from '../../src/auth/rules/groups.ts'
import { makeRule, type Rule } from '../../src/auth/rules/rule.ts'
import { readPattern } from '../../src/auth/rules/topic-pattern.ts'
import type { View } from '../../src/auth/view.ts'
import { type ApiAnswer, cursorOf, eachOf, expectProblem, fieldOf } from '../support/api.ts'
import { BrowserClient } from '../support/browser.ts'
import { EventSourceClient } from '../support/event-source.ts'
import { connectRawClient } from '../support/raw-client.ts'
import { People } from '../support/people.ts'
import { type HttpTestHub, startHubWithHttp } from '../support/start-hub.ts'

/** What a view over filters allows: messages of `receive`, with their past but for `noPast`; publishing to `publish`. */
interface Allowed {
  readonly receive: readonly string[]
  readonly noPast?: readonly string[]
  readonly publish?: readonly string[]
  /** Of what may be published, at QoS 0 and not retained. */
  readonly plainOnly?: readonly string[]
}

function rule(topics: string, terms: Parameters<typeof makeRule>[3]): Rule {
  const pattern = readPattern(topics)
  if (typeof pattern === 'string') throw new Error(pattern)
  return makeRule({ file: 'hubbub.yaml', line: 7, text: topics }, { kind: 'everybody' }, [pattern], terms)
}

function viewOver({ receive, noPast = [], publish = [], plainOnly = [] }: Allowed): View {
  const rules = [
    ...noPast.map((topics) =>
      rule(topics, { isAllow: true, isOfPublish: false, isOfReceive: true, includesPast: false }),
    ),
    ...plainOnly.map((topics) =>
      rule(topics, { isAllow: true, isOfPublish: true, isOfReceive: false, maxQos: 0, mayRetain: false }),
    ),
    ...receive.map((topics) => rule(topics, { isAllow: true, isOfPublish: false, isOfReceive: true })),
    ...publish.map((topics) => rule(topics, { isAllow: true, isOfPublish: true, isOfReceive: false })),
  ]
  return new AccessRules({ rules, groups: new Groups(new Map()), isFiltering: false }).viewOf(NOBODY)
}

const NOBODY = {
  user: undefined,
  groups: [],
  role: undefined,
  via: 'password',
  clientId: undefined,
  host: '127.0.0.1',
  listener: 'http',
  expiresAtMs: Infinity,
  ownRules: [],
} as const

interface Seeing extends HttpTestHub {
  /** Sees and may do what the test says. */
  readonly anna: BrowserClient
  /** May do everything. */
  readonly admin: BrowserClient
  readonly people: People
}

async function startSeeing(allowed: Allowed, config: object = {}): Promise<Seeing> {
  const people = new People(
    { anna: { password: 'a', role: 'operator' }, admin: { password: 'b', role: 'admin' } },
    { anna: viewOver(allowed) },
  )
  const started = await startHubWithHttp({ gate: people.gate, config })
  const [anna, admin] = [new BrowserClient(started.httpPort), new BrowserClient(started.httpPort)]
  await anna.signIn('anna', 'a')
  await admin.signIn('admin', 'b')
  return { ...started, anna, admin, people }
}

async function publishAll({ hub }: HttpTestHub, topics: readonly string[], retain = false): Promise<void> {
  for (const topic of topics) await hub.publish(topic, `of ${topic}`, { retain })
}

/** All pages of a list. */
async function everyPage(ask: (cursor: string) => Promise<ApiAnswer>): Promise<ApiAnswer[]> {
  const pages: ApiAnswer[] = []
  let cursor = ''
  do {
    const page = await ask(cursor)
    pages.push(page)
    cursor = fieldOf(page, 'nextCursor') === null ? '' : `&cursor=${encodeURIComponent(cursorOf(page))}`
  } while (cursor !== '')
  return pages
}

describe('Who may not receive everything', () => {
  test('sees of topics, their levels, their counts and the busiest only what they may receive', async () => {
    const seeing = await startSeeing({ receive: ['home/#', 'open'] })
    const { anna, admin } = seeing
    await publishAll(seeing, ['home/lamp', 'home/door', 'secret/door', 'secret/code', 'open', 'plant/a/b'])
    expect(eachOf(await anna.ask('GET', '/topics'), 'levels', 'level')).toEqual(['home', 'open'])
    expect(eachOf(await admin.ask('GET', '/topics'), 'levels', 'level')).toEqual(['home', 'open', 'plant', 'secret'])
    expect(eachOf(await anna.ask('GET', '/topics?prefix=secret/'), 'levels', 'level')).toEqual([])
    expect(eachOf(await anna.ask('GET', '/topics'), 'levels', 'topics')).toEqual([2, 1])
    const top = eachOf(await anna.ask('GET', '/topics/top?by=messages'), 'topics', 'topic')
    expect(new Set(top)).toEqual(new Set(['home/lamp', 'home/door', 'open']))
    expect((await anna.ask('GET', '/topics/one?topic=home/lamp')).status).toBe(200)
    const [hidden, missing] = [
      await anna.ask('GET', '/topics/one?topic=secret/code'),
      await anna.ask('GET', '/topics/one?topic=secret/nothing'),
    ]
    expectProblem(hidden, 403)
    // It is not told whether there is one.
    expect(missing.status).toBe(hidden.status)
    expect((await anna.ask('GET', '/overview')).body).toMatchObject({ topics: 3 })
    expect((await admin.ask('GET', '/overview')).body).toMatchObject({ topics: 6 })
  })

  test('sees of the levels a page at a time, however many are hidden between', async () => {
    const seeing = await startSeeing({ receive: ['+/shown'] })
    await publishAll(
      seeing,
      Array.from({ length: 300 }, (_, i) => (i % 60 === 30 ? `n${i}/shown` : `n${i}/hidden`)),
    )
    const pages = await everyPage((cursor) => seeing.anna.ask('GET', `/topics?limit=2${cursor}`))
    expect(pages.map((page) => eachOf(page, 'levels', 'level').length)).toEqual([2, 2, 1])
    expect(pages.flatMap((page) => eachOf(page, 'levels', 'level'))).toEqual(['n150', 'n210', 'n270', 'n30', 'n90'])
  })

  test('sees retained messages page by page, and no page names what is hidden', async () => {
    const seeing = await startSeeing({ receive: ['+/shown'], publish: ['+/shown'] })
    const { anna } = seeing
    const topics = Array.from({ length: 200 }, (_, i) => (i % 40 === 20 ? `n${i}/shown` : `n${i}/hidden`))
    await publishAll(seeing, topics, true)
    const pages = await everyPage((cursor) => anna.ask('GET', `/retained?limit=2${cursor}`))
    const seen = pages.flatMap((page) => eachOf(page, 'messages', 'topic'))
    expect(new Set(seen)).toEqual(new Set(topics.filter((topic) => topic.endsWith('/shown'))))
    expect(seen).toHaveLength(5)
    for (const page of pages) expect(Buffer.from(cursorOf(page), 'base64url').toString()).not.toContain('hidden')
    expect(eachOf(await anna.ask('GET', '/retained?text=hidden'), 'messages', 'topic')).toEqual([])
    expectProblem(await anna.ask('GET', '/retained/one?topic=n0/hidden'), 403)
    expect((await anna.ask('GET', '/retained/one?topic=n20/shown')).status).toBe(200)
    expect((await anna.ask('GET', '/overview')).body).toMatchObject({ retained: { messages: 5 } })
  })

  test('deletes and puts back only what they may see and publish retained', async () => {
    const seeing = await startSeeing({
      receive: ['home/#', 'plain/#'],
      publish: ['home/+', 'secret/#'],
      plainOnly: ['plain/#'],
    })
    const { anna, admin, people } = seeing
    await publishAll(seeing, ['home/lamp', 'home/a/b', 'secret/code', 'plain/x'], true)
    const dry = await anna.ask('DELETE', '/retained?filter=%23&dryRun=true')
    expect(dry.body).toMatchObject({ messages: 1, topics: ['home/lamp'] })
    const deleted = await anna.ask('DELETE', '/retained?filter=%23')
    expect(deleted.body).toMatchObject({ messages: 1, topics: ['home/lamp'] })
    const left = eachOf(await admin.ask('GET', '/retained'), 'messages', 'topic')
    expect(left).toEqual(['home/a/b', 'plain/x', 'secret/code'])
    const all = await admin.ask('DELETE', '/retained?filter=%23')
    // What somebody else deleted is not theirs to put back.
    expect((await anna.ask('POST', '/retained/undo', { undoToken: fieldOf(all, 'undoToken') })).body).toEqual({
      restored: 0,
      skipped: 3,
    })
    expect((await anna.ask('POST', '/retained/undo', { undoToken: fieldOf(deleted, 'undoToken') })).body).toEqual({
      restored: 1,
      skipped: 0,
    })
    expect(people.gate.isOpen).toBe(false)
  })

  test('publishes by the rules, one or many, and is told the rule that denies', async () => {
    const seeing = await startSeeing({ receive: ['#'], publish: ['home/#'], plainOnly: ['plain/#'] })
    const { anna, hub } = seeing
    const published: string[] = []
    hub.subscribe('#', ({ topic }) => published.push(topic))
    expect((await anna.ask('POST', '/publish', { topic: 'home/lamp', qos: 2, retain: true })).status).toBe(200)
    expect((await anna.ask('POST', '/publish', { topic: 'plain/x' })).status).toBe(200)
    const detailOf = async (json: object): Promise<unknown> => {
      const answer = await anna.ask('POST', '/publish', json)
      expectProblem(answer, 403)
      return fieldOf(answer, 'detail')
    }
    expect(await detailOf({ topic: 'secret/code' })).toBe('Cannot publish to "secret/code": no access rule allows it')
    expect(await detailOf({ topic: 'plain/x', qos: 1 })).toContain('hubbub.yaml:7 allows QoS 0 at most, it has 1')
    expect(await detailOf({ topic: 'plain/x', retain: true })).toContain('hubbub.yaml:7 allows no retained messages')
    expectProblem(await anna.ask('POST', '/publish/many', [{ topic: 'home/a' }, { topic: 'secret/code' }]), 403)
    expect(published).toEqual(['home/lamp', 'plain/x'])
    expectProblem(await anna.ask('POST', '/request', { topic: 'secret/code' }), 403)
  })

  test('cannot read a topic by naming it as the place for a reply', async () => {
    const seeing = await startSeeing({ receive: ['home/#'], publish: ['home/#'] })
    await connectRawClient(seeing.port, { clientId: 'nobody' }).catch(() => undefined)
    const json = { topic: 'home/ask', timeoutMs: 100, properties: { responseTopic: 'secret/code' } }
    expectProblem(await seeing.anna.ask('POST', '/request', json), 403)
  })

  test('finds in the history only what they may receive, with the past, and pages are whole', async () => {
    const seeing = await startSeeing({ receive: ['home/#', 'now/#'], noPast: ['now/#'] })
    const { anna, admin, hub } = seeing
    for (let i = 0; i < 60; i++)
      await hub.publish(i % 20 === 10 ? 'home/lamp' : 'secret/code', `value ${i}`, { qos: 1 })
    await hub.publish('now/x', 'value of now')
    const pages = await everyPage((cursor) => anna.ask('GET', `/messages?limit=2${cursor}`))
    expect(pages.flatMap((page) => eachOf(page, 'messages', 'payload'))).toEqual(['value 50', 'value 30', 'value 10'])
    expect(eachOf(await anna.ask('GET', '/messages?text=code'), 'messages', 'topic')).toEqual([])
    expect(eachOf(await anna.ask('GET', '/messages?filter=secret/%23'), 'messages', 'topic')).toEqual([])
    expect(eachOf(await anna.ask('GET', '/messages?filter=secret/code&around=1h'), 'messages', 'topic')).toEqual([])
    const exported = await fetch(`${anna.origin}/api/v1/history/export`, { headers: anna.headers })
    const lines = (await exported.text()).trim().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines.join()).not.toContain('secret')
    expect((await anna.ask('GET', '/overview')).body).toMatchObject({ history: { messages: 3, topics: 1 } })
    expect((await admin.ask('GET', '/overview')).body).toMatchObject({ history: { messages: 61, topics: 3 } })
  })

  test('is told by a feed only of what they may receive, and of wills likewise', async () => {
    const seeing = await startSeeing({ receive: ['home/#'] })
    const { anna, admin, hub, httpPort } = seeing
    await publishAll(seeing, ['home/lamp', 'secret/code'])
    const feed = await EventSourceClient.open(httpPort, { form: 'short' }, anna.headers)
    const whole = await EventSourceClient.open(httpPort, { form: 'short' }, admin.headers)
    expect(await feed.next('topics')).toEqual([['home/lamp', 1, expect.any(Number), null, 'of home/lamp']])
    expect(await feed.next('ready')).toEqual([{ topics: 1 }])
    expect(await whole.next('topics')).toHaveLength(2)
    await publishAll(seeing, ['secret/code', 'secret/other', 'home/door'])
    expect(await feed.next('topics')).toEqual([['home/door', 1, expect.any(Number), null, 'of home/door']])
    expect(hub.ledger.received[0]).toBe(0)
  })

  test('is not told why messages of a hidden topic did not arrive', async () => {
    const seeing = await startSeeing({ receive: ['home/#'] })
    await publishAll(seeing, ['home/lamp', 'secret/code'])
    expect((await seeing.anna.ask('GET', '/explain?topic=home/lamp')).body).toMatchObject({ topic: 'home/lamp' })
    expectProblem(await seeing.anna.ask('GET', '/explain?topic=secret/code'), 403)
    expect((await seeing.admin.ask('GET', '/explain?topic=secret/code')).status).toBe(200)
  })

  test('sees who is there, and of their wills and subscriptions only what they may receive', async () => {
    const seeing = await startSeeing({ receive: ['home/#'] })
    const { anna, admin, port } = seeing
    const client = await connectRawClient(port, {
      clientId: 'panel',
      userName: 'admin',
      password: 'b',
      will: { topic: 'secret/gone', payload: 'x' },
    })
    await client.subscribe(['home/+', 0])
    await client.subscribe(['secret/#', 0])
    const [ofAnna, ofAdmin] = [await anna.ask('GET', '/clients/panel'), await admin.ask('GET', '/clients/panel')]
    expect(ofAnna.body).toMatchObject({ clientId: 'panel', connection: { will: null } })
    expect(eachOf(ofAnna, 'subscriptions', 'filter')).toEqual(['home/+'])
    expect(ofAdmin.body).toMatchObject({ user: 'admin', lastDenial: null })
    expect(ofAdmin.body).toMatchObject({ connection: { will: { topic: 'secret/gone' } } })
    expect(eachOf(ofAdmin, 'subscriptions', 'filter')).toEqual(['home/+', 'secret/#'])
    expect(eachOf(await anna.ask('GET', '/clients'), 'clients', 'clientId')).toEqual(['panel'])
    const own = await connectRawClient(port, { clientId: 'own', userName: 'anna', password: 'a' })
    await own.subscribe(['secret/#', 0])
    const denial = {
      action: 'subscribe',
      topic: 'secret/#',
      reason: expect.stringContaining('no access rule allows it'),
    }
    for (const asking of [anna, admin])
      expect((await asking.ask('GET', '/clients/own')).body).toMatchObject({ user: 'anna', lastDenial: denial })
  })
})
