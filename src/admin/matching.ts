import type { Slices } from '../base/slices.ts'
import { isSharedFilter } from '../protocol/shared-filter.ts'
import type { QoS } from '../protocol/packet-types.ts'
import { filterMatches } from '../protocol/topic.ts'
import type { Subscriber } from '../router/delivery.ts'
import type { Router } from '../router/router.ts'
import { routedFilter } from '../session/subscriptions.ts'
import { LocalSubscriber } from './local-subscriber.ts'
import { Session } from '../session/session.ts'
import { type GroupMember, SharedGroup } from '../session/shared/shared-group.ts'

/** A subscription that matches a topic. */
export interface MatchingSubscription {
  /** Undefined: a subscription of the program that embeds the hub. */
  readonly clientId: string | undefined
  readonly filter: string
  readonly qos: QoS
  readonly isConnected: boolean
}

export interface MatchingSubscriptions {
  /** Sessions, shared subscriptions and handlers of the program that the router finds. */
  readonly subscribers: number
  /** Of the first 1,000 of them; a shared subscription stands once for each member. */
  readonly subscriptions: readonly MatchingSubscription[]
}

/** Subscribers that are looked at for one answer. */
const MAX_SUBSCRIBERS = 1000
/** Some hundred microseconds. */
const FILTERS_BETWEEN_PAUSES = 500

/** The subscriptions that the messages of a topic go to. Each subscriber may have a million others. */
export async function subscriptionsMatching(
  router: Router,
  topic: string,
  slices: Slices,
): Promise<MatchingSubscriptions> {
  const subscribers = router.subscribersOf(topic)
  const subscriptions: MatchingSubscription[] = []
  for (const { subscriber } of subscribers.slice(0, MAX_SUBSCRIBERS)) {
    for (const match of subscriptionsOf(subscriber, topic)) {
      if (match === undefined) await slices.pause()
      else subscriptions.push(match)
    }
  }
  return { subscribers: subscribers.length, subscriptions }
}

/** The subscriptions by which a subscriber gets the messages of a topic; a shared one once for each member. Undefined is a pause. */
function* subscriptionsOf(
  subscriber: Subscriber,
  topic: string,
): Generator<MatchingSubscription | undefined, void, undefined> {
  if (subscriber instanceof SharedGroup) {
    for (const { session, qos } of subscriber.members()) yield matchOf(session, subscriber.filter, qos)
    return
  }
  if (subscriber instanceof LocalSubscriber) {
    yield { clientId: undefined, filter: subscriber.filter, qos: subscriber.qos, isConnected: true }
    return
  }
  if (!(subscriber instanceof Session)) return
  const levels = topic.split('/')
  let looked = 0
  for (const { filter, qos } of subscriber.subscriptions.report()) {
    if (++looked % FILTERS_BETWEEN_PAUSES === 0) yield undefined
    if (!isSharedFilter(filter) && filterMatches(routedFilter(filter).split('/'), levels))
      yield matchOf(subscriber, filter, qos)
  }
}

function matchOf({ clientId, isHere }: GroupMember, filter: string, qos: QoS): MatchingSubscription {
  return { clientId, filter, qos, isConnected: isHere }
}
