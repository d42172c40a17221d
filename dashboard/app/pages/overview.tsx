import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { apiUrl, ask } from '../state/api.ts'
import { overview, overviews } from '../state/conversations.ts'
import type { OverviewJson, TopicJson } from '../state/feed.ts'
import { bytes, duration, rate } from '../words/format.ts'
import { number, words } from '../words/words.ts'
import { LiveChart } from './live-chart.tsx'

const REFRESH_MS = 2000

/** The hub in numbers, live. */
export function Overview() {
  const text = words.value
  const { value: now } = overview
  const all = overviews.value
  const incoming = perSecond(all, ({ received }) => sum(received))
  const outgoing = perSecond(all, ({ sent }) => sum(sent))
  return (
    <main class="page">
      <h1>{text.overview}</h1>
      {now !== undefined && (
        <>
          {now.faults.length > 0 && (
            <div class="card card-fault" role="alert">
              <h2>{text.faults}</h2>
              {now.faults.map((fault) => (
                <p key={fault}>{fault}</p>
              ))}
            </div>
          )}
          <div class="figures">
            <Figure name={text.clients} value={number(now.clients)} />
            <Figure name={text.topics} value={number(now.topics)} />
            <Figure name={text.retained} value={number(now.retained.messages)} />
            <Figure name={text.history} value={now.history.isEnabled ? number(now.history.messages) : '–'} />
            <Figure name={text.memory} value={bytes(now.memoryBytes)} />
            <Figure name={text.uptime} value={duration(now.atMs - now.startedAtMs)} />
          </div>
          <div class="cards">
            <Chart name={text.messagesIn} series={incoming} />
            <Chart name={text.messagesOut} series={outgoing} />
            <Drops now={now} />
            <TopTalkers />
          </div>
        </>
      )}
    </main>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div class="figure">
      <b>{value}</b>
      <span>{name}</span>
    </div>
  )
}

function Chart({ name, series }: { readonly name: string; readonly series: Series }) {
  const last = series.values.at(-1) ?? 0
  return (
    <section class="card">
      <h2>
        {name} <span class="rate">{rate(last)}</span>
      </h2>
      <LiveChart times={series.times} values={series.values} label={`${name}: ${rate(last)}`} />
    </section>
  )
}

function Drops({ now }: { readonly now: OverviewJson }) {
  const drops = Object.entries(now.dropped).filter(([, amount]) => amount > 0)
  return (
    <section class="card">
      <h2>{words.value.dropsByReason}</h2>
      {drops.length === 0 ? (
        <p class="quiet">{words.value.noDrops}</p>
      ) : (
        <Rows rows={drops.map(([reason, amount]) => [reason, number(amount)])} />
      )}
    </section>
  )
}

function TopTalkers() {
  const top = useSignal<readonly TopicJson[]>([])
  useEffect(() => {
    const load = async (): Promise<void> => {
      try {
        top.value = (await ask<{ topics: TopicJson[] }>('GET', apiUrl('topics/top', { limit: 10 }))).topics
      } catch {
        // The banner says that there is no connection; what was there stays.
      }
    }
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <section class="card">
      <h2>{words.value.topTalkers}</h2>
      <Rows rows={top.value.map(({ topic, messagesPerSecond }) => [topic, rate(messagesPerSecond)])} />
    </section>
  )
}

function Rows({ rows }: { readonly rows: readonly (readonly [string, string])[] }) {
  return (
    <table class="rows">
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">
              <bdi>{name}</bdi>
            </th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

interface Series {
  readonly times: number[]
  readonly values: number[]
}

function perSecond(all: readonly OverviewJson[], total: (one: OverviewJson) => number): Series {
  const times: number[] = []
  const values: number[] = []
  for (const [index, one] of all.entries()) {
    const before = all[index - 1]
    if (before === undefined || one.atMs <= before.atMs) continue
    times.push(one.atMs / 1000)
    values.push(Math.max(0, ((total(one) - total(before)) * 1000) / (one.atMs - before.atMs)))
  }
  return { times, values }
}

function sum(values: readonly number[]): number {
  return values.reduce((one, other) => one + other, 0)
}
