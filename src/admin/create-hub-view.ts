import type {
  HttpMessage,
  HubAddresses,
  HubHealth,
  HubView,
  MatchingSubscriptions,
  RetainedView,
  TrailsView,
} from './hub-view.ts'
import { HubbubError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../base/log.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import { Message } from '../protocol/message.ts'
import { messageProperties } from '../protocol/message-properties.ts'
import { type TopicLimits, topicFilterFault } from '../protocol/topic.ts'
import type { Router } from '../router/router.ts'
import { isReservedTopic } from '../router/routes.ts'
import { TopicViews } from '../topics/topic-views.ts'
import { Clients } from './clients.ts'
import { LocalSubscriber } from './local-subscriber.ts'
import { matchingSubscriptions } from './matching.ts'
import { nearestFilter } from './nearest-filter.ts'
import type { Publisher } from './publisher.ts'
import type { Sessions } from '../session/sessions.ts'

/** The parts of a hub that its HTTP side sees, each through the view. */
export interface ViewParts {
  readonly version: string
  readonly clock: Clock
  readonly ledger: Ledger
  readonly log: Log
  readonly topicLimits: TopicLimits
  readonly router: Router
  readonly sessions: Sessions
  readonly publisher: Publisher
  readonly faults: () => readonly string[]
  readonly mishaps: Mishaps
  readonly addresses: () => HubAddresses
  readonly health: () => HubHealth
}

/** Subscribers that are looked at for one answer. */
const MAX_SUBSCRIBERS = 1000

/** The hub as its HTTP side sees it. */
export function createHubView(parts: ViewParts): HubView {
  const { version, clock, ledger, router, sessions, publisher, faults, mishaps, addresses, health } = parts
  return {
    version,
    nowMs: () => clock.nowMs(),
    startedAtMs: clock.nowMs(),
    ledger,
    clients: new Clients(sessions),
    topics: new TopicViews(router.topics, clock),
    retained: createRetainedView(router),
    trails: createTrailsView(parts),
    faults,
    mishaps,
    addresses,
    health,
    publish: (message) => publisher.publish(message),
    subscribe: (filter, handler) => subscribe(parts, filter, handler),
  }
}

function createRetainedView(router: Router): RetainedView {
  const { retained } = router
  return {
    get count() {
      return retained.count
    },
    get bytes() {
      return retained.bytes
    },
    get: (topic) => retained.get(topic),
    matching: (filter) => retained.matching(filter),
    remove: (topic) => {
      // The hub's own are true for as long as it runs.
      if (retained.get(topic) === undefined || isReservedTopic(topic)) return
      router.publishMessage(Message.create(topic, Buffer.alloc(0), 1, true, undefined))
    },
    putBack: (message) => {
      if (retained.get(message.topic) !== undefined || router.isRetainedFull(message)) return false
      router.publishMessage(message)
      return true
    },
  }
}

function createTrailsView({ router, sessions }: ViewParts): TrailsView {
  return {
    of: (topic) => router.topics.get(topic)?.followed.trails.toReversed() ?? [],
    unfollowed: (topic) => {
      const record = router.topics.get(topic)
      return record === undefined ? 0 : record.messages - record.followed.followedMessages
    },
    denial: (topic) => (isReservedTopic(topic) ? 'only the hub publishes to $SYS, $hub and $history' : undefined),
    matching: (topic) => matching(router, topic),
    nearest: (clientId, topic) => {
      const subscriptions = sessions.get(clientId)?.subscriptions.report() ?? []
      return nearestFilter(
        subscriptions.map(({ filter }) => filter),
        topic,
      )
    },
  }
}

function matching(router: Router, topic: string): MatchingSubscriptions {
  const subscribers = router.subscribersOf(topic)
  const subscriptions = subscribers
    .slice(0, MAX_SUBSCRIBERS)
    .flatMap(({ subscriber }) => matchingSubscriptions(subscriber, topic))
  return { subscribers: subscribers.length, subscriptions }
}

function subscribe(parts: ViewParts, filter: string, handler: (message: HttpMessage) => void): () => void {
  const fault = topicFilterFault(filter, parts.topicLimits)
  if (fault !== undefined) {
    throw new HubbubError('TOPIC_FILTER_INVALID', `Cannot subscribe to ${JSON.stringify(filter)}: ${fault}`)
  }
  const subscriber = new LocalSubscriber(
    filter,
    2,
    (message, qos) => {
      const { topic, retain } = message
      const properties = messageProperties(message, parts.clock.nowMs())
      handler({ topic, payload: Buffer.from(message.payload), qos, retain, properties })
    },
    parts,
  )
  subscriber.start()
  return () => subscriber.stop()
}
