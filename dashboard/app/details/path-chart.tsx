import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JsonPath } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { LiveChart } from '../pages/live-chart.tsx'
import { messagesOf } from '../state/before.ts'
import { series } from '../state/hub.ts'
import type { Point } from './gaps.ts'
import { words } from '../words/words.ts'

/** How the number at a path of a topic's messages went. */
export function PathChart({ topic, path }: { readonly topic: string; readonly path: JsonPath }) {
  const points = useSignal<readonly Point[] | undefined>(undefined)
  const name = path.length === 0 ? topic : visible(path.join(' › '))
  useEffect(() => {
    let isStale = false
    const load = async (): Promise<void> => {
      const messages = await messagesOf(topic)
      const values = await series(
        messages.map(({ id }) => id),
        path,
      )
      if (isStale) return
      points.value = messages.flatMap(({ atMs }, index) => {
        const value = values[index] ?? null
        return value === null ? [] : [{ atMs, value }]
      })
    }
    void load()
    return () => {
      isStale = true
    }
  }, [topic, name])
  return (
    <figure class="path-chart">
      <figcaption>
        <bdi>{name}</bdi>
      </figcaption>
      {points.value !== undefined && (
        <LiveChart points={points.value} label={words.value.chartOf(name)} isFromZero={false} />
      )}
    </figure>
  )
}
