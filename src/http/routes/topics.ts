import { isUtf8 } from 'node:buffer'
import type { TopicLevel, TopicSummary } from '../../topics/topic-summary.ts'
import type { Static } from 'typebox'
import { jsonOf } from '../compilers.ts'
import { listPieces, sendPieces } from '../json-pieces.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import { payloadJson } from '../../protocol/message-json.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import type { ShortTopicJson } from '../schemas/feed.ts'
import { withoutCutCharacter } from '../shown-payload.ts'
import { getTopic, Level, listLevels, listTopTopics, Topic } from '../schemas/topics.ts'

const SHORT_CHARACTERS = 120

/** `topics`: what was published since the hub started. */
export function topicRoutes(app: Api, { callers }: ApiParts): void {
  app.route({
    ...listLevels,
    handler: async (request, reply) => {
      const { prefix, limit, cursor } = request.query
      const { topics } = callers.seenBy(request).admin
      const list = `topics ${prefix}`
      const levels = await topics.level(prefix, readCursor(list, cursor), limit + 1)
      const last = levels[limit - 1]
      const nextCursor = levels.length > limit && last !== undefined ? cursorBehind(list, last.level) : null
      const shown = levels.slice(0, limit)
      return sendPieces(
        reply,
        listPieces('levels', shown, (level) => [jsonOf(Level, levelJson(level))], { nextCursor }),
      )
    },
  })

  app.route({
    ...listTopTopics,
    handler: async (request, reply) => {
      const { by, limit } = request.query
      const top = await callers.seenBy(request).admin.topics.top(by, limit)
      return sendPieces(
        reply,
        listPieces('topics', top, (topic) => [jsonOf(Topic, topicJson(topic))]),
      )
    },
  })

  app.route({
    ...getTopic,
    handler: (request) => {
      const { topic } = request.query
      const summary = callers.seenBy(request).admin.topic(topic)
      if (summary === undefined) {
        const detail = `Nothing has been published to ${JSON.stringify(topic)} since the hub started, or it was forgotten because there were too many topics (limits.maxTopics).`
        throw new HttpProblem('not-found', detail)
      }
      return Promise.resolve(topicJson(summary))
    },
  })
}

/** A topic as JSON has it. */
export function topicJson({ last, ...summary }: TopicSummary): Static<typeof Topic> {
  const { payload, payloadBytes, atMs, publisher, qos, retain } = last
  const isWhole = payload.length === payloadBytes
  return {
    ...summary,
    last: {
      atMs: Math.round(atMs),
      publisher: publisher ?? null,
      qos,
      retain,
      payloadBytes,
      isWhole,
      ...payloadJson(isWhole ? payload : withoutCutCharacter(payload)),
    },
  }
}

/** A topic as lists of very many tell it: name, messages, when the last came, from whom, and how it begins if it is text. */
export function shortTopic({ topic, messages, last }: TopicSummary): ShortTopicJson {
  const { atMs, publisher, payload, payloadBytes } = last
  const whole = payload.length === payloadBytes ? payload : withoutCutCharacter(payload)
  const text = isUtf8(whole) ? whole.toString() : null
  const isCut = text !== null && (text.length > SHORT_CHARACTERS || payload.length < payloadBytes)
  const short = isCut ? `${text.slice(0, SHORT_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '')}…` : text
  return [topic, messages, Math.round(atMs), publisher ?? null, short]
}

function levelJson({ topic, ...level }: TopicLevel): Static<typeof Level> {
  return { ...level, topic: topic === undefined ? null : topicJson(topic) }
}
