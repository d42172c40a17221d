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
export function feedRoute(app: Api, parts: ApiParts): void {
  const { admin, callers, topicLimits } = parts
  const open = new Set<EventStream>()
  /** By form and filter. */
  const topicFeeds = new Map<string, TopicFeeds>()
  app.addHook('preClose', (done) => {
    for (const stream of open) stream.end()
    done()
  })

  app.route({
    ...followFeed,
    handler: (request, reply) => {
      const { filter = '#', events, form } = request.query
      const fault = topicFilterFault(filter, topicLimits)
      if (fault !== undefined) throw invalidParameter('filter', filter, fault)
      const wanted = readEvents(events)
      if (open.size >= MAX_FEEDS) throw new HttpProblem('too-many', `${MAX_FEEDS} feeds are open already.`)
      reply.hijack()
      const response = reply.raw
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) response.setHeader(name, value)
      }
      response.writeHead(200, {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
        'X-Accel-Buffering': 'no',
      })
      response.write('retry: 1000\n\n')
      const stream = new EventStream(response)
      open.add(stream)
      const ends = [callers.whenOver(request, () => stream.end())]
      if (wanted.has('topics')) ends.push(feedTopics(stream, filter, form))
      if (wanted.has('presence')) ends.push(feedPresence(stream))
      if (wanted.has('overview')) ends.push(feedOverview(stream))
      response.on('close', () => {
        open.delete(stream)
        for (const end of ends) end()
      })
    },
  })

  function feedTopics(stream: EventStream, filter: string, form: FeedForm): () => void {
    const key = `${form} ${filter}`
    const feeds = topicFeeds.get(key) ?? new TopicFeeds(admin.topicNumbers(filter), JSON_OF[form])
    topicFeeds.set(key, feeds)
    const feed = feeds.open(stream, () => eventOf('ready', [{ topics: admin.topics.count }]))
    stream.source = feed
    stream.flush()
    return () => {
      feeds.close(feed)
      if (feeds.isEmpty) topicFeeds.delete(key)
    }
  }

  function feedPresence(stream: EventStream): () => void {
    return admin.clients.watch(({ clientId, state, atMs }) => {
      const will = willJson(state === 'here' ? admin.clients.get(clientId)?.connection?.will : undefined)
      stream.put('presence', clientId, { clientId, state, atMs: Math.round(atMs), will })
      stream.flush()
    })
  }

  function feedOverview(stream: EventStream): () => void {
    const tell = (): void => {
      stream.put('overview', 'overview', overviewOf(parts))
      stream.flush()
    }
    tell()
    const timer = setInterval(tell, OVERVIEW_MS).unref()
    return () => clearInterval(timer)
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
