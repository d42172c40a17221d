import { useEffect, useRef } from 'preact/hooks'
import type UPlot from 'uplot'
import { clock } from '../words/format.ts'
import { number } from '../words/words.ts'

const HEIGHT_PIXELS = 140
/** Room for `12:01:03` and a little more. */
const TIME_PIXELS = 90

interface LiveChartProps {
  /** In seconds since 1970. */
  readonly times: number[]
  readonly values: number[]
  /** For who cannot see it. */
  readonly label: string
  /** Whether the scale begins at nothing, as for counts; else it is as wide as the values. */
  readonly isFromZero?: boolean
}

/** A line over the last minutes; the library comes when the first is drawn. */
export function LiveChart({ times, values, label, isFromZero = true }: LiveChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const chart = useRef<UPlot | undefined>(undefined)
  const latest = useRef<[number[], number[]]>([times, values])
  latest.current = [times, values]
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
              values: (_plot, seconds) => seconds.map((one) => clock(one * 1000)),
            },
            { ...axis, size: 56, values: (_plot, amounts) => amounts.map(number) },
          ],
          series: [{}, { stroke: '#3b7bf6', width: 2, fill: 'rgb(59 123 246 / 0.12)', points: { show: false } }],
        },
        latest.current,
        box.current,
      )
      resized.observe(box.current)
    }
  }, [])
  useEffect(() => chart.current?.setData(latest.current), [times, values])
  return <div class="chart" ref={box} role="img" aria-label={label} />
}
