import type { Admin } from '../../admin/admin.ts'
import type { Seen } from '../../admin/seen.ts'
import { topicFilterFault } from '../../protocol/topic.ts'
import { willJson } from './clients.ts'
import { eventOf, EventStream } from '../event-stream.ts'
import { overviewOf } from './overview.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { EVENTS, followFeed } from '../schemas/feed.ts'
import { TopicFeeds } from '../topic-feeds.ts'
import { shortTopic, topicJson } from './topics.ts'

const MAX_FEEDS = 200
const OVERVIEW_MS = 1000

type FeedEvent = (typeof EVENTS)[number]
type FeedForm = keyof typeof JSON_OF

const JSON_OF = { whole: topicJson, short: shortTopic }

/** `feed`: what lists live on. */
export function feedRoute(app: Api, { callers, topicLimits }: ApiParts): void {
  const open = new Set<EventStream>()
  /** By what is seen, and then by form and filter. */
  const topicFeeds = new WeakMap<Admin, Map<string, TopicFeeds>>()
  app.addHook('preClose', (done) => {
    for (const stream of open) stream.end()
    done()
  })

  app.route({
    ...followFeed,
    handler: async (request, reply) => {
      const { filter = '#', events, form } = request.query
      const fault = topicFilterFault(filter, topicLimits)
      if (fault !== undefined) throw invalidParameter('filter', filter, fault)
      const wanted = readEvents(events)
      const seen = callers.seenBy(request)
      const response = reply.raw
      let stream: EventStream | undefined
      let isOver = false
      // From here on, whatever it waits for.
      const ends = [
        callers.whenOver(request, () => {
          isOver = true
          stream?.end()
        }),
      ]
      response.on('close', () => {
        isOver = true
        if (stream !== undefined) open.delete(stream)
        for (const end of ends) end()
      })
      await seen.countAnew()
      if (open.size >= MAX_FEEDS) throw new HttpProblem('too-many', `${MAX_FEEDS} feeds are open already.`)
      reply.hijack()
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) response.setHeader(name, value)
      }
      response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      })
      response.write('retry: 1000\n\n')
      if (isOver) {
        response.end()
        return
      }
      stream = new EventStream(response)
      open.add(stream)
      if (wanted.has('topics')) ends.push(feedTopics(seen.admin, stream, filter, form))
      if (wanted.has('presence')) ends.push(feedPresence(seen.admin, stream))
      if (wanted.has('overview')) ends.push(feedOverview(seen, stream))
    },
  })

  function feedTopics(admin: Admin, stream: EventStream, filter: string, form: FeedForm): () => void {
    const key = `${form} ${filter}`
    const ofAdmin = topicFeeds.get(admin) ?? new Map<string, TopicFeeds>()
    topicFeeds.set(admin, ofAdmin)
    const feeds = ofAdmin.get(key) ?? new TopicFeeds(admin.topicNumbers(filter), JSON_OF[form])
    ofAdmin.set(key, feeds)
    const feed = feeds.open(stream, () => eventOf('ready', [{ topics: admin.topics.count }]))
    stream.source = feed
    stream.flush()
    return () => {
      feeds.close(feed)
      if (feeds.isEmpty) ofAdmin.delete(key)
    }
  }
}

function feedPresence(admin: Admin, stream: EventStream): () => void {
  return admin.clients.watch(({ clientId, state, atMs }) => {
    const will = willJson(state === 'here' ? admin.clients.get(clientId)?.connection?.will : undefined)
    stream.put('presence', clientId, { clientId, state, atMs: Math.round(atMs), will })
    stream.flush()
  })
}

function feedOverview(seen: Seen, stream: EventStream): () => void {
  let isOver = false
  const tell = async (): Promise<void> => {
    const overview = await overviewOf(seen)
    if (isOver) return
    stream.put('overview', 'overview', overview)
    stream.flush()
  }
  void tell()
  const timer = setInterval(() => void tell(), OVERVIEW_MS).unref()
  return () => {
    isOver = true
    clearInterval(timer)
  }
}

function readEvents(text: string): ReadonlySet<FeedEvent> {
  const wanted = new Set<FeedEvent>()
  for (const name of text.split(',')) {
    const event = EVENTS.find((known) => known === name)
    if (event === undefined) throw invalidParameter('events', text, `it must be some of ${EVENTS.join(', ')}`)
    wanted.add(event)
  }
  return wanted
}
