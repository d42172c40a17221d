import { LoopPart } from '../base/loop-times.ts'
import { Slices } from '../base/slices.ts'
import type { Router } from '../router/router.ts'
import { isReservedTopic, RESERVED_REASON } from '../topics/reserved-topics.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Session } from '../session/session.ts'
import type { MessageTrail } from '../trails/trail.ts'
import { type Explanation, summarize } from './explanation.ts'
import { subscriptionsMatching } from './matching.ts'
import { nearestFilter } from './nearest-filter.ts'
import type { Sight } from './sight.ts'

/** What an explanation is drawn from. */
export interface ExplanationParts {
  readonly router: Router
  readonly sessions: Sessions
}

/** Explains what became of the last messages of a valid topic, for one client or for all. @throws HubbubError `ACCESS_DENIED` */
export async function explain(
  { router, sessions }: ExplanationParts,
  topic: string,
  clientId: string | undefined,
  sight: Sight | undefined,
): Promise<Explanation> {
  const trails = visibleTrails({ router, sessions }, topic, sight)
  const slices = new Slices(LoopPart.HTTP)
  const all = await subscriptionsMatching(router, topic, slices)
  const matching =
    clientId === undefined
      ? all
      : { ...all, subscriptions: all.subscriptions.filter((subscription) => subscription.clientId === clientId) }
  const isMissed = clientId !== undefined && matching.subscriptions.length === 0
  const filters = isMissed ? filtersOf(sessions.get(clientId), sight) : []
  const nearest = (await nearestFilter(filters, topic, slices)) ?? null
  const number = router.topics.find(topic)
  const { records } = router.topics
  const explanation = {
    topic,
    clientId: clientId ?? null,
    denial: isReservedTopic(topic) ? RESERVED_REASON : null,
    matching,
    nearest,
    messages: trails.toReversed().map((trail) => ofClient(trail, clientId)),
    unfollowedMessages: records.messages(number) - records.followedMessages(number),
  }
  return { ...explanation, summary: summarize(explanation, sessions) }
}

/**
 * The messages of the topic that were followed. Who may not receive them sees those that they published themselves.
 * @throws HubbubError `ACCESS_DENIED` when there are none
 */
function visibleTrails(
  { router, sessions }: ExplanationParts,
  topic: string,
  sight: Sight | undefined,
): readonly MessageTrail[] {
  const trails = router.trails.of(router.topics.find(topic))
  if (sight === undefined || sight.showsNamed(topic)) return trails
  const own = trails.filter(({ publisher }) => {
    const user = publisher === undefined ? undefined : sessions.get(publisher)?.report().user
    return user !== undefined && user === sight.user
  })
  if (own.length === 0) sight.checkReceive(topic)
  return own
}

function* filtersOf(session: Session | undefined, sight: Sight | undefined): Generator<string, void, undefined> {
  for (const filter of session?.subscriptions.filters() ?? []) if (sight?.showsFilter(filter) ?? true) yield filter
}

function ofClient(trail: MessageTrail, clientId: string | undefined): MessageTrail {
  const { topic, atMs, publisher, qos, retain, payloadBytes, messages, matched, refusal, omittedReceivers } = trail
  const steps = trail.steps.filter((step) => clientId === undefined || step.clientId === clientId)
  return { topic, atMs, publisher, qos, retain, payloadBytes, messages, matched, refusal, steps, omittedReceivers }
}
