import type { Slices } from '../base/slices.ts'
import { departureFrom, departureText, type FilterDeparture } from '../protocol/filter-departure.ts'
import { matchedFilter } from '../protocol/shared-filter.ts'
import { routedFilter } from '../session/subscriptions.ts'

/** The filter that comes nearest to a topic, and where it departs from it. */
export interface NearestFilter extends FilterDeparture {
  readonly filter: string
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
  let nearest: (FilterDeparture & { readonly filter: string }) | undefined
  for (const filter of filters) {
    await slices.pause()
    const departure = departureFrom(routedFilter(matchedFilter(filter)).split('/'), levels)
    if (nearest === undefined || departure.matchingLevels > nearest.matchingLevels) nearest = { filter, ...departure }
  }
  return nearest === undefined ? undefined : { ...nearest, difference: departureText(nearest, levels.length) }
}
