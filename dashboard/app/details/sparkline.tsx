import { number, words } from '../words/words.ts'

const WIDTH = 96
const HEIGHT = 24

/** How a number went lately, without axes: its lowest and highest are told to who cannot see it. */
export function Sparkline({ values, name }: { readonly values: readonly number[]; readonly name: string }) {
  if (values.length < 2) return null
  const lowest = Math.min(...values)
  const highest = Math.max(...values)
  const span = highest - lowest || 1
  const points = values.map((value, index) => {
    const x = (index * WIDTH) / (values.length - 1)
    const y = HEIGHT - 2 - ((value - lowest) * (HEIGHT - 4)) / span
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={words.value.sparkline(name, number(lowest), number(highest))}
    >
      <polyline points={points.join(' ')} />
    </svg>
  )
}
