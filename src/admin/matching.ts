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

/** The subscriptions that the messages of a topic go to. */
export function subscriptionsMatching(router: Router, topic: string): MatchingSubscriptions {
  const subscribers = router.subscribersOf(topic)
  const subscriptions = subscribers
    .slice(0, MAX_SUBSCRIBERS)
    .flatMap(({ subscriber }) => subscriptionsOf(subscriber, topic))
  return { subscribers: subscribers.length, subscriptions }
}

/** The subscriptions by which a subscriber gets the messages of a topic; a shared one once for each member. */
function subscriptionsOf(subscriber: Subscriber, topic: string): MatchingSubscription[] {
  if (subscriber instanceof SharedGroup) {
    return subscriber.members().map(({ session, qos }) => matchOf(session, subscriber.filter, qos))
  }
  if (subscriber instanceof LocalSubscriber) {
    return [{ clientId: undefined, filter: subscriber.filter, qos: subscriber.qos, isConnected: true }]
  }
  if (!(subscriber instanceof Session)) return []
  const levels = topic.split('/')
  return subscriber.subscriptions
    .report()
    .filter(({ filter }) => !isSharedFilter(filter) && filterMatches(routedFilter(filter).split('/'), levels))
    .map(({ filter, qos }) => matchOf(subscriber, filter, qos))
}

function matchOf({ clientId, isHere }: GroupMember, filter: string, qos: QoS): MatchingSubscription {
  return { clientId, filter, qos, isConnected: isHere }
}
