// Who publishes what and who wants what: both sides of a run and its checker derive every message from these plans.
import { crc32 } from 'node:zlib'

export interface PublisherPlan {
  readonly id: string
  readonly qos: 1 | 2
  readonly isRetained: boolean
  /** Taken in turn. */
  readonly topics: readonly string[]
  /** The longest padding of a payload; each message has a length of its own. */
  readonly maxPaddingBytes: number
}

/**
 * What a subscriber does besides receiving: nothing; come and go; be away until the end; or read slowly until the end.
 */
export type Habit = 'steady' | 'wanderer' | 'sleeper' | 'slow'

export interface SubscriberPlan {
  readonly clientId: string
  readonly filters: readonly (readonly [filter: string, qos: 0 | 1 | 2])[]
  readonly habit: Habit
}

export interface Plan {
  readonly publishers: readonly PublisherPlan[]
  readonly subscribers: readonly SubscriberPlan[]
}

/** What a payload says about itself. */
export interface PayloadOrigin {
  readonly publisher: string
  readonly sequence: number
}

/** Publishers of both QoS, a third of them with retain, and subscribers of every habit whose filters overlap. */
export function fullPlan(publishers: number): Plan {
  return {
    publishers: Array.from({ length: publishers }, (_, i) => ({
      id: `p${i}`,
      qos: i % 2 === 0 ? 1 : 2,
      isRetained: i % 3 === 2,
      topics: ['a', 'b', 'c'].map((leaf) => `torture/p${i}/${leaf}`),
      maxPaddingBytes: i % 4 === 3 ? 2000 : 60,
    })),
    subscribers: [
      { clientId: 'steady-all', filters: [['torture/#', 2]], habit: 'steady' },
      {
        clientId: 'steady-overlap',
        filters: [
          ['torture/+/a', 1],
          ['torture/p1/#', 2],
          ['torture/p1/a', 0],
          ['torture/p2/b', 1],
        ],
        habit: 'steady',
      },
      { clientId: 'wanderer-two', filters: [['torture/#', 2]], habit: 'wanderer' },
      { clientId: 'wanderer-one', filters: [['torture/+/b', 1]], habit: 'wanderer' },
      { clientId: 'sleeper', filters: [['torture/#', 2]], habit: 'sleeper' },
      {
        clientId: 'slow',
        filters: [
          ['torture/+/c', 2],
          ['torture/p0/+', 1],
        ],
        habit: 'slow',
      },
    ],
  }
}

export function topicOf({ topics }: PublisherPlan, sequence: number): string {
  return topics[sequence % topics.length] ?? ''
}

/** `publisher sequence padding checksum`; the checksum covers the topic too. */
export function payloadOf(plan: PublisherPlan, sequence: number): string {
  const padding = 'x'.repeat((sequence * 7919) % (plan.maxPaddingBytes + 1))
  const head = `${plan.id} ${sequence} ${padding}`
  return `${head} ${checksum(topicOf(plan, sequence), head)}`
}

/** Undefined when the payload is not what was sent to this topic. */
export function readPayload(topic: string, payload: string): PayloadOrigin | undefined {
  const end = payload.lastIndexOf(' ')
  const head = payload.slice(0, end)
  if (payload.slice(end + 1) !== checksum(topic, head)) return undefined
  const [publisher = '', sequence = ''] = head.split(' ')
  return { publisher, sequence: Number(sequence) }
}

/** The QoS at which a subscriber gets a message: the highest that matches, but no higher than published; -1 is none. */
export function effectiveQos({ filters }: SubscriberPlan, topic: string, qos: 1 | 2): number {
  const granted = filters.map(([filter, maxQos]) => (matches(filter.split('/'), topic.split('/')) ? maxQos : -1))
  return Math.min(qos, Math.max(-1, ...granted))
}

function matches(filter: readonly string[], topic: readonly string[]): boolean {
  for (const [i, level] of filter.entries()) {
    if (level === '#') return true
    if (i >= topic.length || (level !== '+' && level !== topic[i])) return false
  }
  return filter.length === topic.length
}

function checksum(topic: string, head: string): string {
  return crc32(`${topic} ${head}`).toString(16)
}
