// Compares what was acknowledged with what was received. Knows nothing of sockets, processes and the hub.
import { Faults } from './faults.ts'
import { effectiveQos, type Plan, type PublisherPlan, type SubscriberPlan, topicOf } from './plan.ts'

/** What one publisher did: it sent sequences 0 to `sent` - 1. */
export interface Published {
  readonly id: string
  readonly sent: number
  /** Sent, and never acknowledged by a PUBACK or PUBCOMP. */
  readonly unacknowledged: readonly number[]
}

/** What one kept session got: sequences by publisher, in the order of arrival, repeated ones too. */
export interface Received {
  readonly clientId: string
  readonly sequences: Readonly<Record<string, readonly number[]>>
}

export interface Verdict {
  readonly faults: Faults
  /** Deliveries that were due: acknowledged messages times the sessions they are for. */
  readonly due: number
  /** Messages of QoS 1 that came more than once, as they may. */
  readonly repeated: number
}

/**
 * Checks that
 *
 *   - every acknowledged message arrived at every session it is for ("missing");
 *   - what goes out at QoS 2 arrived not more than once ("doubled") [MQTT-4.3.3];
 *   - of one publisher, topic and QoS, first arrivals are in the order of sending ("out of order") [MQTT-4.6.0-6];
 *   - nothing arrived that was not sent, or that no filter asked for ("stray").
 */
export function check(plan: Plan, published: readonly Published[], received: readonly Received[]): Verdict {
  const faults = new Faults()
  let due = 0
  let repeated = 0
  for (const publisher of plan.publishers) {
    const sending = published.find(({ id }) => id === publisher.id)
    if (sending === undefined) {
      faults.add('no report', `publisher ${publisher.id}`)
      continue
    }
    for (const subscriber of plan.subscribers) {
      const receiving = received.find(({ clientId }) => clientId === subscriber.clientId)
      if (receiving === undefined) faults.add('no report', `subscriber ${subscriber.clientId}`)
      const counts = checkPair(publisher, subscriber, sending, receiving?.sequences[publisher.id] ?? [], faults)
      due += counts.due
      repeated += counts.repeated
    }
  }
  return { faults, due, repeated }
}

function checkPair(
  publisher: PublisherPlan,
  subscriber: SubscriberPlan,
  { sent, unacknowledged }: Published,
  sequences: readonly number[],
  faults: Faults,
): { due: number; repeated: number } {
  const unsure = new Set(unacknowledged)
  const arrivals = new Map<number, number>()
  const latestByTopic = new Map<string, number>()
  const name = (sequence: number): string =>
    `${publisher.id}:${sequence} of QoS ${publisher.qos} on ${topicOf(publisher, sequence)} at ${subscriber.clientId}`

  for (const sequence of sequences) {
    const topic = topicOf(publisher, sequence)
    const earlier = arrivals.get(sequence) ?? 0
    arrivals.set(sequence, earlier + 1)
    if (earlier > 0) continue
    const latest = latestByTopic.get(topic) ?? -1
    if (sequence < latest) faults.add('out of order', `${name(sequence)} after ${latest}`)
    else latestByTopic.set(topic, sequence)
    if (sequence >= sent || effectiveQos(subscriber, topic, publisher.qos) < 0) faults.add('stray', name(sequence))
  }

  let due = 0
  let repeated = 0
  for (let sequence = 0; sequence < sent; sequence++) {
    const qos = effectiveQos(subscriber, topicOf(publisher, sequence), publisher.qos)
    if (qos < 1) continue
    const times = arrivals.get(sequence) ?? 0
    if (!unsure.has(sequence)) due++
    if (times === 0 && !unsure.has(sequence)) faults.add('missing', name(sequence))
    if (times > 1 && qos === 2) faults.add('doubled', `${name(sequence)}, ${times} times`)
    if (times > 1 && qos === 1) repeated++
  }
  return { due, repeated }
}

/** A retained message as a new subscriber got it. */
export interface RetainedFound {
  readonly topic: string
  readonly sequence: number
}

/** Checks that each topic's retained message is the last acknowledged one, or one sent later. */
export function checkRetained(
  plan: Plan,
  published: readonly Published[],
  found: readonly RetainedFound[],
  faults: Faults,
): void {
  for (const publisher of plan.publishers.filter(({ isRetained }) => isRetained)) {
    const { sent = 0, unacknowledged = [] } = published.find(({ id }) => id === publisher.id) ?? {}
    const unsure = new Set(unacknowledged)
    for (const topic of publisher.topics) {
      let latest = sent - 1
      while (latest >= 0 && (topicOf(publisher, latest) !== topic || unsure.has(latest))) latest--
      const retained = found.filter((message) => message.topic === topic)
      const sequence = retained[0]?.sequence ?? -1
      if (retained.length > 1) faults.add('retained twice', topic)
      if (sequence < latest) faults.add('retained too old', `${topic} has ${sequence}, acknowledged was ${latest}`)
    }
  }
  for (const { topic } of found) {
    if (!plan.publishers.some(({ isRetained, topics }) => isRetained && topics.includes(topic)))
      faults.add('retained by nobody', topic)
  }
}
