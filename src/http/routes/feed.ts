import { LOOP_TIMES, LoopPart } from '../../base/loop-times.ts'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { topicFilterFault } from '../../protocol/topic.ts'
import type { TopicSummary } from '../../topics/topic-summary.ts'
import { willJson } from './clients.ts'
import { EventStream } from '../event-stream.ts'
import { overviewOf } from './overview.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { EVENTS, type FeedEntries, followFeed } from '../schemas/feed.ts'
import { shortTopic, topicJson } from './topics.ts'

const MAX_FEEDS = 200
const OVERVIEW_MS = 1000

type FeedEvent = (typeof EVENTS)[number]

/** `feed`: what lists live on. */
export function feedRoute(app: Api, parts: ApiParts): void {
  const { admin, topicLimits } = parts
  const open = new Set<EventStream>()
  app.addHook('preClose', (done) => {
    for (const stream of open) stream.end()
    done()
  })

  app.route({
    ...followFeed,
    handler: ({ query: { filter = '#', events, form } }, reply) => {
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
      const ends: (() => void)[] = []
      if (wanted.has('topics')) ends.push(feedTopics(stream, filter, form === 'short' ? shortTopic : topicJson))
      if (wanted.has('presence')) ends.push(feedPresence(stream))
      if (wanted.has('overview')) ends.push(feedOverview(stream))
      response.on('close', () => {
        open.delete(stream)
        for (const end of ends) end()
      })
    },
  })

  function feedTopics(
    stream: EventStream,
    filter: string,
    jsonOf: (topic: TopicSummary) => FeedEntries['topics'],
  ): () => void {
    let isEnded = false
    const put = (topic: TopicSummary): void => stream.put('topics', topic.topic, jsonOf(topic))
    const unwatch = admin.topics.watch(filter, (topics) => {
      const before = LOOP_TIMES.enter(LoopPart.FEED)
      for (const topic of topics) put(topic)
      stream.flush()
      LOOP_TIMES.leave(before)
    })
    const tellAll = async (): Promise<void> => {
      for (const topic of admin.topics.matching(filter)) {
        if (isEnded) return
        if (topic !== undefined) {
          put(topic)
          continue
        }
        stream.flush()
        await nextTurn()
      }
      stream.put('ready', 'ready', { topics: admin.topics.count })
      stream.flush()
    }
    void tellAll()
    return () => {
      isEnded = true
      unwatch()
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
