import { topicNameFault } from '../../protocol/topic.ts'
import type { MessageTrail, TrailStep } from '../../trails/trail.ts'
import type { MatchingSubscription } from '../../admin/matching.ts'
import type { Api, ApiParts } from '../parts.ts'
import { invalidParameter } from '../problem.ts'
import { explainTopic } from '../schemas/explain.ts'

/** `explain`: why did it not arrive? */
export function explainRoute(app: Api, { callers, topicLimits }: ApiParts): void {
  app.route({
    ...explainTopic,
    handler: async (request) => {
      const { topic, clientId } = request.query
      const fault = topicNameFault(topic, topicLimits)
      if (fault !== undefined) throw invalidParameter('topic', topic, fault)
      const { matching, messages, nearest, summary, ...rest } = await callers
        .seenBy(request)
        .admin.explain(topic, clientId)
      return {
        ...rest,
        nearest: nearest === null ? null : { ...nearest },
        summary: [...summary],
        subscribers: matching.subscribers,
        subscriptions: matching.subscriptions.map(subscriptionJson),
        messages: messages.map(trailJson),
      }
    },
  })
}

function subscriptionJson({ clientId, filter, qos, isConnected }: MatchingSubscription) {
  return { clientId: clientId ?? null, filter, qos, isConnected }
}

function trailJson({
  atMs,
  publisher,
  qos,
  retain,
  payloadBytes,
  messages,
  matched,
  steps,
  omittedReceivers,
}: MessageTrail) {
  return {
    atMs: Math.round(atMs),
    publisher: publisher ?? null,
    qos,
    retain,
    payloadBytes,
    messages,
    matched,
    steps: steps.map(stepJson),
    omittedReceivers,
  }
}

function stepJson({ clientId, group, outcome, reason, qos, afterMs }: TrailStep) {
  return {
    clientId: clientId ?? null,
    group: group ?? null,
    outcome,
    reason: reason ?? null,
    qos,
    afterMs: Math.round(afterMs * 1000) / 1000,
  }
}
