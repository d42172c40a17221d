import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { JsonPath } from '../../worker/protocol.ts'
import { visible } from '../../worker/visible.ts'
import { LiveChart } from '../pages/live-chart.tsx'
import { messagesOf } from '../state/before.ts'
import { series } from '../state/hub.ts'
import { words } from '../words/words.ts'

interface Points {
  readonly times: number[]
  readonly values: number[]
}

/** How the number at a path of a topic's messages went. */
export function PathChart({ topic, path }: { readonly topic: string; readonly path: JsonPath }) {
  const points = useSignal<Points | undefined>(undefined)
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
      const known = messages.flatMap(({ atMs }, index) => {
        const value = values[index] ?? null
        return value === null ? [] : [{ time: atMs / 1000, value }]
      })
      points.value = { times: known.map(({ time }) => time), values: known.map(({ value }) => value) }
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
        <LiveChart {...points.value} label={words.value.chartOf(name)} isFromZero={false} />
      )}
    </figure>
  )
}
