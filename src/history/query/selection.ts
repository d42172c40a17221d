import type { HistoryTopic, HistoryTopics } from '../record/topics.ts'
import type { Slices } from '../../base/slices.ts'

/** When the topics have more than this share of all entries, looking at every entry is faster than looking them up by topic. */
const BROAD_SHARE = 1 / 16

/** The topics that match a filter at the moment of the query. */
export interface Selection {
  /** Undefined: all that do not begin with "$". */
  readonly topics: ReadonlySet<HistoryTopic> | undefined
  /** They have a large part of all messages. */
  readonly isBroad: boolean
}

export const EVERYTHING: Selection = { topics: undefined, isBroad: true }

/** Finds the topics under a valid filter, of those that `includes` is true of. */
export async function select(
  topics: HistoryTopics,
  filter: string,
  totalMessages: number,
  slices: Slices,
  includes?: (topic: string) => boolean,
): Promise<Selection> {
  const steps = selecting(topics, filter, totalMessages, includes)
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) await slices.pause()
  return step.value
}

/** The same in steps: each is a pause. */
export function* selecting(
  topics: HistoryTopics,
  filter: string,
  totalMessages: number,
  includes?: (topic: string) => boolean,
): Generator<undefined, Selection, undefined> {
  if (filter === '#' && includes === undefined) return EVERYTHING
  const found = new Set<HistoryTopic>()
  let messages = 0
  for (const topic of topics.matching(filter)) {
    if (topic === undefined) {
      yield undefined
      continue
    }
    if (includes?.(topic.name) === false) continue
    found.add(topic)
    messages += topic.messages
  }
  return { topics: found, isBroad: messages > totalMessages * BROAD_SHARE }
}

/** Whether a topic is among them. */
export function isSelected({ topics }: Selection, topic: HistoryTopic): boolean {
  // [MQTT-4.7.2-1]
  return topics === undefined ? !topic.name.startsWith('$') : topics.has(topic)
}
