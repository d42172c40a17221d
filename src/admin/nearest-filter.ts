import type { Slices } from '../base/slices.ts'
import { matchedFilter } from '../protocol/shared-filter.ts'
import { routedFilter } from '../session/subscriptions.ts'

/** The filter that comes nearest to a topic, and where it departs from it. */
export interface NearestFilter {
  readonly filter: string
  /** Levels that agree from the left. */
  readonly matchingLevels: number
  /** A sentence: `level 2 is "lamp", the topic has "lamps"`. */
  readonly difference: string
}

/** Of valid filters that do not match a topic, the one that agrees with it for most levels; undefined when there are none. */
export async function nearestFilter(
  filters: Iterable<string>,
  topic: string,
  slices: Slices,
): Promise<NearestFilter | undefined> {
  const levels = topic.split('/')
  let nearest: NearestFilter | undefined
  for (const filter of filters) {
    await slices.pause()
    const candidate = compare(filter, levels)
    if (nearest === undefined || candidate.matchingLevels > nearest.matchingLevels) nearest = candidate
  }
  return nearest
}

function compare(filter: string, topic: readonly string[]): NearestFilter {
  const levels = routedFilter(matchedFilter(filter)).split('/')
  // [MQTT-4.7.2-1]
  if (topic[0]?.startsWith('$') === true && (levels[0] === '#' || levels[0] === '+')) {
    const difference = 'a filter that begins with a wildcard does not reach topics that begin with "$"'
    return { filter, matchingLevels: 0, difference }
  }
  let matchingLevels = 0
  while (matchingLevels < levels.length && agrees(levels[matchingLevels], topic[matchingLevels])) matchingLevels++
  return { filter, matchingLevels, difference: describe(levels[matchingLevels], topic, matchingLevels) }
}

function agrees(level: string | undefined, topicLevel: string | undefined): boolean {
  return topicLevel !== undefined && (level === '+' || level === topicLevel)
}

/** Says how the filter, whose level at `index` is the first that does not agree, departs from the topic. */
function describe(level: string | undefined, topic: readonly string[], index: number): string {
  const topicLevel = topic[index]
  if (level === undefined) return `it ends after level ${index}, the topic has ${topic.length} levels`
  if (topicLevel === undefined) return `it goes on with level ${index + 1} "${level}", the topic ends before it`
  const difference = `level ${index + 1} is "${level}", the topic has "${topicLevel}"`
  if (level.trim() === topicLevel.trim()) return `${difference}: there is a space too many`
  return level.toLowerCase() === topicLevel.toLowerCase() ? `${difference}: upper and lower case differ` : difference
}
