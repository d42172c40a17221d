import { useEffect, useRef } from 'preact/hooks'
import type UPlot from 'uplot'
import { type Point, runsOf } from '../details/gaps.ts'
import { dayOf } from '../state/days.ts'
import { clock, shortDay } from '../words/format.ts'
import { number } from '../words/words.ts'

const HEIGHT_PIXELS = 140
/** Room for `12:01:03` and a little more. */
const TIME_PIXELS = 90

interface LiveChartProps {
  readonly points: readonly Point[]
  /** For who cannot see it. */
  readonly label: string
  /** Whether the scale begins at nothing, as for counts; else it is as wide as the values. */
  readonly isFromZero?: boolean
}

/** A line over time, with gaps where nothing is known; the library comes when the first is drawn. */
export function LiveChart({ points, label, isFromZero = true }: LiveChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot | undefined>(undefined)
  const latest = useRef<Columns>([[], []])
  latest.current = columnsOf(points)
  useEffect(() => {
    let isGone = false
    const resized = new ResizeObserver(([entry]) => {
      if (entry !== undefined) chart.current?.setSize({ width: entry.contentRect.width, height: HEIGHT_PIXELS })
    })
    void draw()
    return () => {
      isGone = true
      resized.disconnect()
      chart.current?.destroy()
    }

    async function draw(): Promise<void> {
      const [{ default: Chart }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')])
      if (isGone || box.current === null) return
      const style = getComputedStyle(box.current)
      const quiet = style.getPropertyValue('color')
      const axis = { stroke: quiet, grid: { stroke: 'rgb(128 128 128 / 0.15)', width: 1 }, ticks: { show: false } }
      chart.current = new Chart(
        {
          width: box.current.clientWidth,
          height: HEIGHT_PIXELS,
          legend: { show: false },
          cursor: { show: false },
          scales: isFromZero ? { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } } : {},
          axes: [
            {
              ...axis,
              space: TIME_PIXELS,
              size: 32,
              values: (_plot, seconds) => seconds.map((one) => tickName(one * 1000, seconds)),
            },
            { ...axis, size: 56, values: (_plot, amounts) => amounts.map(number) },
          ],
          series: [
            {},
            { stroke: '#3b7bf6', width: 2, fill: 'rgb(59 123 246 / 0.12)', points: { size: 4, filter: lonely } },
          ],
        },
        latest.current,
        box.current,
      )
      resized.observe(box.current)
    }
  }, [])
  useEffect(() => chart.current?.setData(latest.current), [points])
  return <div class="chart" ref={box} role="img" aria-label={label} />
}

/** Seconds since 1970, and values; null parts the line. */
type Columns = [times: number[], values: (number | null)[]]

function columnsOf(points: readonly Point[]): Columns {
  const columns: Columns = [[], []]
  for (const run of runsOf(points)) {
    const endedAt = columns[0].at(-1)
    const [first] = run
    if (endedAt !== undefined && first !== undefined) {
      columns[0].push((endedAt + first.atMs / 1000) / 2)
      columns[1].push(null)
    }
    for (const { atMs, value } of run) {
      columns[0].push(atMs / 1000)
      columns[1].push(value)
    }
  }
  return columns
}

/** Values between gaps, which have no line to be seen by. */
function lonely(plot: UPlot): number[] {
  const values = plot.data[1] ?? []
  return [...values.keys()].filter(
    (index) => values[index] != null && values[index - 1] == null && values[index + 1] == null,
  )
}

/** Of more than one day the days, where they begin. */
function tickName(atMs: number, seconds: readonly number[]): string {
  const [first = 0] = seconds
  const isOfDays = dayOf(first * 1000) !== dayOf((seconds.at(-1) ?? 0) * 1000)
  return isOfDays ? `${shortDay(atMs)} ${clock(atMs).slice(0, 5)}` : clock(atMs)
}
