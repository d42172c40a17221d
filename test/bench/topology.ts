// Who publishes to whom: n to n are pairs on a topic each, 1 to n is one topic, n to 1 is a wildcard.

interface Topology {
  publishers: number
  subscribers: number
}

/** All topics are equally long, so that all frames of a row are. */
export function topicOf(publisher: number): string {
  return `bench/${String(publisher).padStart(4, '0')}`
}

/** What a subscriber subscribes to. */
export function filterOf(topology: Topology, subscriber: number): string {
  if (topology.publishers === 1) return topicOf(0)
  return topology.subscribers === 1 ? 'bench/+' : topicOf(subscriber)
}

/** Those of `receivers`, one for each subscriber, whom a publisher reaches. */
export function receiversOf<T>(topology: Topology, publisher: number, receivers: readonly T[]): readonly T[] {
  if (topology.publishers === 1 || topology.subscribers === 1) return receivers
  return receivers.slice(publisher, publisher + 1)
}
