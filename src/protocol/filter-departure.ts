/**
 * How a filter departs from a topic: it is shorter, or longer; it begins with a wildcard where the topic begins with `$`; or a level
 * differs, maybe only by spaces or by upper and lower case.
 */
export type Departure = 'shorter' | 'longer' | 'leading-wildcard' | 'spaces' | 'case' | 'level'

/** Where a filter that does not match a topic departs from it. */
export interface FilterDeparture {
  /** Levels that agree from the left. The next one is the first that does not: `filterLevel` and `topicLevel`, null behind the end. */
  readonly matchingLevels: number
  readonly departure: Departure
  readonly filterLevel: string | null
  readonly topicLevel: string | null
}

/** Holds a filter against a topic that it does not match, both level by level. */
export function departureFrom(filter: readonly string[], topic: readonly string[]): FilterDeparture {
  // [MQTT-4.7.2-1]
  const isLeading = topic[0]?.startsWith('$') === true && (filter[0] === '#' || filter[0] === '+')
  const matchingLevels = isLeading ? 0 : agreeing(filter, topic)
  const filterLevel = filter[matchingLevels] ?? null
  const topicLevel = topic[matchingLevels] ?? null
  const departure = isLeading ? 'leading-wildcard' : kindOf(filterLevel, topicLevel)
  return { matchingLevels, departure, filterLevel, topicLevel }
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

function kindOf(filterLevel: string | null, topicLevel: string | null): Departure {
  if (filterLevel === null) return 'shorter'
  if (topicLevel === null) return 'longer'
  if (filterLevel.trim() === topicLevel.trim()) return 'spaces'
  return filterLevel.toLowerCase() === topicLevel.toLowerCase() ? 'case' : 'level'
}

/** A sentence: `level 2 is "lamp", the topic has "lamps"`. */
export function departureText(
  { matchingLevels, departure, filterLevel, topicLevel }: FilterDeparture,
  topicLevels: number,
): string {
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
