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
export function explain(
  { router, sessions }: ExplanationParts,
  topic: string,
  clientId: string | undefined,
): Explanation {
  const all = subscriptionsMatching(router, topic)
  const matching =
    clientId === undefined
      ? all
      : { ...all, subscriptions: all.subscriptions.filter((subscription) => subscription.clientId === clientId) }
  const isMissed = clientId !== undefined && matching.subscriptions.length === 0
  const filters = isMissed ? (sessions.get(clientId)?.subscriptions.report() ?? []).map(({ filter }) => filter) : []
  const number = router.topics.find(topic)
  const { records } = router.topics
  const explanation = {
    topic,
    clientId: clientId ?? null,
    denial: isReservedTopic(topic) ? RESERVED_REASON : null,
    matching,
    nearest: nearestFilter(filters, topic) ?? null,
    messages: router.trails
      .of(number)
      .toReversed()
      .map((trail) => ofClient(trail, clientId)),
    unfollowedMessages: records.messages(number) - records.followedMessages(number),
  }
  return { ...explanation, summary: summarize(explanation, sessions) }
}

function ofClient(trail: MessageTrail, clientId: string | undefined): MessageTrail {
  const { topic, atMs, publisher, qos, retain, payloadBytes, messages, matched, omittedReceivers } = trail
  const steps = trail.steps.filter((step) => clientId === undefined || step.clientId === clientId)
  return { topic, atMs, publisher, qos, retain, payloadBytes, messages, matched, steps, omittedReceivers }
}
