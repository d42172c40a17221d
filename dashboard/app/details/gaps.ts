/** A number and when it was so. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** A pause that is so many times as long as most are is no pause but time without data. */
const PAUSES = 10
/** What comes so soon after the one before is never a gap. */
const LEAST_MS = 5000

/** Points in their order, parted where nothing is known between two: no line goes there. */
export function runsOf(points: readonly Point[]): readonly (readonly Point[])[] {
  const pauses = points.slice(1).map(({ atMs }, index) => atMs - (points[index]?.atMs ?? atMs))
  const median = pauses.toSorted((one, other) => one - other)[pauses.length >> 1] ?? 0
  const gapMs = Math.max(LEAST_MS, median * PAUSES)
  const runs: Point[][] = []
  for (const [index, point] of points.entries()) {
    if (index === 0 || (pauses[index - 1] ?? 0) > gapMs) runs.push([point])
    else runs.at(-1)?.push(point)
  }
  return runs
}
