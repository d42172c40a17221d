import type { Published, PublishOptions, ReceivedMessage } from '../../admin/messages.ts'
import { LoopPart } from '../../base/loop-times.ts'
import { Slices } from '../../base/slices.ts'
import type { Message } from '../../protocol/message.ts'
import type { Static } from 'typebox'
import { topicNameFault, type TopicLimits } from '../../protocol/topic.ts'
import { goneSignal } from '../gone.ts'
import { request } from '../../admin/request.ts'
import { payloadJson, propertiesJson } from '../../protocol/message-json.ts'
import { readBase64, readProperties } from '../read-message.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { getLimits, type OutgoingMessage, publishMany, publishOne, publishRequest } from '../schemas/publish.ts'

/** Requests that wait for a reply. */
const MAX_OPEN_REQUESTS = 1000

/** `publish` and `request`: speaking over HTTP; `limits`: what may be said. */
export function publishRoutes(app: Api, { callers, topicLimits, maxPacketBytes }: ApiParts): void {
  let openRequests = 0

  app.route({
    ...getLimits,
    handler: () => {
      const { maxTopicBytes, maxTopicLevels } = topicLimits
      return Promise.resolve({ maxTopicBytes, maxTopicLevels, maxPacketBytes })
    },
  })

  app.route({
    ...publishOne,
    handler: async (asked) => {
      const { topic, payload, options } = readMessage(asked.body, topicLimits, '')
      const { matched } = await callers.seenBy(asked).admin.publish(topic, payload, options)
      return { topic, matched }
    },
  })

  app.route({
    ...publishMany,
    handler: async (asked) => {
      const { admin } = callers.seenBy(asked)
      const slices = new Slices(LoopPart.HTTP)
      const messages: Message[] = []
      for (const [index, json] of asked.body.entries()) {
        const { topic, payload, options } = readMessage(json, topicLimits, `${index}/`)
        messages.push(admin.prepare(topic, payload, options))
        await slices.pause()
      }
      const publishing: Promise<Published>[] = []
      for (const message of messages) {
        const one = admin.publisher.publishMessage(message)
        // It is looked at when all are on their way.
        one.catch(ignore)
        publishing.push(one)
        await slices.pause()
      }
      const outcomes = await Promise.all(publishing)
      const published = outcomes.map(({ matched }, index) => ({ topic: messages[index]?.topic ?? '', matched }))
      return { published, messages: published.length }
    },
  })

  app.route({
    ...publishRequest,
    handler: async (asked, reply) => {
      if (openRequests >= MAX_OPEN_REQUESTS) {
        throw new HttpProblem('too-many', `${MAX_OPEN_REQUESTS} requests are already waiting for replies.`)
      }
      const { timeoutMs, ...json } = asked.body
      const { topic, payload, options } = readMessage(json, topicLimits, '')
      openRequests++
      try {
        const waiting = { responseTopicPrefix: 'response/http', timeoutMs, signal: goneSignal(reply) }
        const { message: answer, latencyMs } = await request(
          callers.seenBy(asked).admin,
          topic,
          payload,
          options,
          waiting,
        )
        return { ...messageJson(answer), latencyMs: Math.round(latencyMs * 10) / 10 }
      } finally {
        openRequests--
      }
    },
  })
}

function ignore(): void {}

interface MessageToPublish {
  readonly topic: string
  readonly payload: Buffer
  readonly options: PublishOptions
}

/** @throws HttpProblem naming the parameter below `path` */
function readMessage(json: Static<typeof OutgoingMessage>, limits: TopicLimits, path: string): MessageToPublish {
  const { topic, qos, retain } = json
  const fault = topicNameFault(topic, limits)
  if (fault !== undefined) throw invalidParameter(`${path}topic`, topic, fault)
  const { responseTopic } = json.properties ?? {}
  const responseFault = responseTopic === undefined ? undefined : topicNameFault(responseTopic, limits)
  if (responseFault !== undefined) {
    throw invalidParameter(`${path}properties/responseTopic`, responseTopic, responseFault)
  }
  const properties = readProperties(json.properties, path)
  return { topic, payload: readPayload(json, path), options: { qos, retain, properties } }
}

function readPayload(json: Static<typeof OutgoingMessage>, path: string): Buffer {
  const given = (['payload', 'payloadBase64', 'payloadJson'] as const).filter((name) => json[name] !== undefined)
  if (given.length > 1) {
    throw invalidParameter(`${path}${given[1]}`, undefined, `only one payload is allowed, there is ${given[0]} too`)
  }
  if (json.payloadBase64 !== undefined) return readBase64(json.payloadBase64, `${path}payloadBase64`)
  if (json.payloadJson === undefined) return Buffer.from(json.payload ?? '')
  try {
    return Buffer.from(JSON.stringify(json.payloadJson))
  } catch (error) {
    // JSON is read to any depth, and written only as deep as the stack is.
    if (!(error instanceof RangeError)) throw error
    throw invalidParameter(`${path}payloadJson`, undefined, 'it is nested too deeply; give it as text in payload')
  }
}

function messageJson({ topic, payload, qos, retain, properties }: ReceivedMessage) {
  return { topic, ...payloadJson(payload), qos, retain, ...propertiesJson(properties) }
}
