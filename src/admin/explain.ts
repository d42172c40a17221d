import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import type { Router } from '../router/router.ts'
import { isReservedTopic, RESERVED_REASON } from '../topics/reserved-topics.ts'
import type { Sessions } from '../session/sessions.ts'
import type { MessageTrail } from '../trails/trail.ts'
import { type Explanation, summarize } from './explanation.ts'
import { subscriptionsMatching } from './matching.ts'
import { nearestFilter } from './nearest-filter.ts'

/** What an explanation is drawn from. */
export interface ExplanationParts {
  readonly router: Router
  readonly sessions: Sessions
}

/** Explains what became of the last messages of a valid topic, for one client or for all. */
export async function explain(
  { router, sessions }: ExplanationParts,
  topic: string,
  clientId: string | undefined,
): Promise<Explanation> {
  const slices = new Slices(LoopPart.HTTP)
  const all = await subscriptionsMatching(router, topic, slices)
  const matching =
    clientId === undefined
      ? all
      : { ...all, subscriptions: all.subscriptions.filter((subscription) => subscription.clientId === clientId) }
  const isMissed = clientId !== undefined && matching.subscriptions.length === 0
  const filters = isMissed ? (sessions.get(clientId)?.subscriptions.filters() ?? []) : []
  const nearest = (await nearestFilter(filters, topic, slices)) ?? null
  const number = router.topics.find(topic)
  const { records } = router.topics
  const explanation = {
    topic,
    clientId: clientId ?? null,
    denial: isReservedTopic(topic) ? RESERVED_REASON : null,
    matching,
    nearest,
    messages: router.trails
      .of(number)
      .toReversed()
      .map((trail) => ofClient(trail, clientId)),
    unfollowedMessages: records.messages(number) - records.followedMessages(number),
  }
  return { ...explanation, summary: summarize(explanation, sessions) }
}

function ofClient(trail: MessageTrail, clientId: string | undefined): MessageTrail {
  const { topic, atMs, publisher, qos, retain, payloadBytes, messages, matched, refusal, omittedReceivers } = trail
  const steps = trail.steps.filter((step) => clientId === undefined || step.clientId === clientId)
  return { topic, atMs, publisher, qos, retain, payloadBytes, messages, matched, refusal, steps, omittedReceivers }
}
