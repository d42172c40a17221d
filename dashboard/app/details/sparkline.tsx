import { number, words } from '../words/words.ts'
import { type Point, runsOf } from './gaps.ts'

const WIDTH = 96
const HEIGHT = 24
/** As much room as so many points have a gap. */
const GAP_POINTS = 4

/** How a number went lately, without axes: its lowest and highest are told to who cannot see it. */
export function Sparkline({ points, name }: { readonly points: readonly Point[]; readonly name: string }) {
  if (points.length < 2) return null
  const values = points.map(({ value }) => value)
  const lowest = Math.min(...values)
  const highest = Math.max(...values)
  const span = highest - lowest || 1
  const runs = runsOf(points)
  const step = WIDTH / (points.length - 1 + (runs.length - 1) * (GAP_POINTS - 1))
  let at = 0
  const lines = runs.map((run) => {
    const places = run.map(({ value }) => {
      const y = HEIGHT - 2 - ((value - lowest) * (HEIGHT - 4)) / span
      return `${(at++ * step).toFixed(1)},${y.toFixed(1)}`
    })
    at += GAP_POINTS - 1
    const line = places.join(' ')
    // A line of no length is a dot.
    return places.length === 1 ? `${line} ${line}` : line
  })
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={words.value.sparkline(name, number(lowest), number(highest))}
    >
      {lines.map((line, index) => (
        <polyline key={index} points={line} />
      ))}
    </svg>
  )
}
