import type { Slices } from '../base/slices.ts'
import { matchedFilter } from '../protocol/shared-filter.ts'
import { routedFilter } from '../session/subscriptions.ts'

/**
 * How a filter departs from a topic: it is shorter, or longer; it begins with a wildcard where the topic begins with `$`; or a level
 * differs, maybe only by spaces or by upper and lower case.
 */
export type Departure = 'shorter' | 'longer' | 'leading-wildcard' | 'spaces' | 'case' | 'level'

/** The filter that comes nearest to a topic, and where it departs from it. */
export interface NearestFilter {
  readonly filter: string
  /** Levels that agree from the left. The next one is the first that does not: `filterLevel` and `topicLevel`, null behind the end. */
  readonly matchingLevels: number
  readonly departure: Departure
  readonly filterLevel: string | null
  readonly topicLevel: string | null
  /** A sentence: `level 2 is "lamp", the topic has "lamps"`. */
  readonly difference: string
}

type Comparison = Omit<NearestFilter, 'difference'>

/** Of valid filters that do not match a topic, the one that agrees with it for most levels; undefined when there are none. */
export async function nearestFilter(
  filters: Iterable<string>,
  topic: string,
  slices: Slices,
): Promise<NearestFilter | undefined> {
  const levels = topic.split('/')
  let nearest: Comparison | undefined
  for (const filter of filters) {
    await slices.pause()
    const candidate = compare(filter, levels)
    if (nearest === undefined || candidate.matchingLevels > nearest.matchingLevels) nearest = candidate
  }
  return nearest === undefined ? undefined : { ...nearest, difference: describe(nearest, levels.length) }
}

function compare(filter: string, topic: readonly string[]): Comparison {
  const levels = routedFilter(matchedFilter(filter)).split('/')
  // [MQTT-4.7.2-1]
  const isLeading = topic[0]?.startsWith('$') === true && (levels[0] === '#' || levels[0] === '+')
  const matchingLevels = isLeading ? 0 : agreeing(levels, topic)
  const filterLevel = levels[matchingLevels] ?? null
  const topicLevel = topic[matchingLevels] ?? null
  const departure = isLeading ? 'leading-wildcard' : departureOf(filterLevel, topicLevel)
  return { filter, matchingLevels, departure, filterLevel, topicLevel }
}

/** How many levels agree from the left. */
function agreeing(levels: readonly string[], topic: readonly string[]): number {
  let count = 0
  while (count < levels.length && agrees(levels[count], topic[count])) count++
  return count
}

function agrees(level: string | undefined, topicLevel: string | undefined): boolean {
  return topicLevel !== undefined && (level === '+' || level === topicLevel)
}

function departureOf(filterLevel: string | null, topicLevel: string | null): Departure {
  if (filterLevel === null) return 'shorter'
  if (topicLevel === null) return 'longer'
  if (filterLevel.trim() === topicLevel.trim()) return 'spaces'
  return filterLevel.toLowerCase() === topicLevel.toLowerCase() ? 'case' : 'level'
}

function describe(nearest: Comparison, topicLevels: number): string {
  const { matchingLevels, departure, filterLevel, topicLevel } = nearest
  const level = `level ${matchingLevels + 1} is "${filterLevel}", the topic has "${topicLevel}"`
  const sentences: Readonly<Record<Departure, string>> = {
    'leading-wildcard': 'a filter that begins with a wildcard does not reach topics that begin with "$"',
    shorter: `it ends after level ${matchingLevels}, the topic has ${topicLevels} levels`,
    longer: `it goes on with level ${matchingLevels + 1} "${filterLevel}", the topic ends before it`,
    spaces: `${level}: there is a space too many`,
    case: `${level}: upper and lower case differ`,
    level,
  }
  return sentences[departure]
}
