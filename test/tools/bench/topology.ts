// Who publishes to whom: n to n are pairs with topics of their own, 1 to n is one topic, n to 1 is a wildcard; and a
// shared subscription takes all topics.
import { TOPIC_DIGITS } from './message-ring.ts'

interface Topology {
  publishers: number
  subscribers: number
  /** Topics that a publisher takes in turn. */
  topicsEach: number
  /** Whether all subscribers are members of one shared subscription. */
  isShared?: boolean
  /** Topics that all publishers draw from, which one subscriber of `#` gets. */
  randomTopics?: number
  /** Whether that subscriber has a filter for each of them instead. */
  hasFilterEach?: boolean
}

/** The topics of a publisher; all are equally long, so that all frames of a row are. */
export function topicsOf({ topicsEach, randomTopics }: Topology, publisher: number): string[] {
  if (randomTopics !== undefined) return [`bench/random/${randomDigits(0)}`]
  const topic = `bench/${digits(publisher)}`
  return topicsEach === 1 ? [topic] : Array.from({ length: topicsEach }, (_, number) => `${topic}/${digits(number)}`)
}

/** All that a subscriber subscribes to. */
export function filtersOf(topology: Topology, subscriber: number): string[] {
  const { randomTopics, hasFilterEach } = topology
  return randomTopics !== undefined && hasFilterEach === true
    ? Array.from({ length: randomTopics }, (_, number) => `bench/+/${randomDigits(number)}`)
    : [filterOf(topology, subscriber)]
}

/** What a subscriber with one filter subscribes to. */
export function filterOf(topology: Topology, subscriber: number): string {
  const { publishers, subscribers, topicsEach, isShared, randomTopics } = topology
  if (randomTopics !== undefined) return '#'
  if (isShared === true) return '$share/g/bench/#'
  const levelsBelow = topicsEach === 1 ? '' : '/+'
  if (subscribers === 1 && publishers > 1) return `bench/+${levelsBelow}`
  return `bench/${digits(publishers === 1 ? 0 : subscriber)}${levelsBelow}`
}

function randomDigits(number: number): string {
  return String(number).padStart(TOPIC_DIGITS, '0')
}

function digits(number: number): string {
  return String(number).padStart(4, '0')
}

/** Those of `subscribers` whom a publisher reaches; all members of a shared subscription are given as one. */
export function reachedOf<T>(topology: Topology, publisher: number, subscribers: readonly T[]): readonly T[] {
  if (topology.publishers === 1 || subscribers.length === 1) return subscribers
  return subscribers.slice(publisher, publisher + 1)
}
