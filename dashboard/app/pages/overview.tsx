import { visible } from '../../worker/visible.ts'
import { AsOf, Unknown } from '../as-of.tsx'
import { overview, overviewAtMs, overviews } from '../state/conversations.ts'
import type { Overview as OverviewNow } from '../state/feed.ts'
import type { Point } from '../details/gaps.ts'
import { lostAtMs } from '../state/outage.ts'
import { bytes, duration, latency, rate } from '../words/format.ts'
import { count, number, words } from '../words/words.ts'
import { LiveChart } from './live-chart.tsx'
import { PageHead } from './page-head.tsx'
import { troublesOf } from './troubles.ts'
import { usePolled } from './use-polled.ts'

const REFRESH_MS = 2000

/** The hub in numbers, live; without a connection the last ones, and how old they are. */
export function Overview() {
  const text = words.value
  const { value: now } = overview
  const all = overviews.value
  const isLost = lostAtMs.value !== undefined
  // It scrolls, and there is nothing in it to scroll it by.
  return (
    <main class="page" tabIndex={0} data-lost={isLost}>
      <PageHead title={text.overview} />
      {now === undefined && isLost && <Unknown />}
      {now !== undefined && (
        <>
          {isLost ? <HealthUnknown /> : <Health all={all} />}
          <div class="figures">
            <Figure name={text.clients} value={number(now.clients)} />
            <Figure name={text.topics} value={number(now.topics)} />
            <Figure name={text.retained} value={number(now.retained.messages)} />
            <Figure name={text.history} value={now.history.isEnabled ? number(now.history.messages) : '–'} />
            <Figure name={text.memory} value={bytes(now.memoryBytes)} />
            <Figure name={text.uptime} value={duration(now.atMs - now.startedAtMs)} />
          </div>
          <div class="cards">
            <Chart name={text.messagesIn} points={perSecond(all, ({ received }) => sum(received))} say={rate} />
            <Chart name={text.messagesOut} points={perSecond(all, ({ sent }) => sum(sent))} say={rate} />
            <Chart name={text.clients} points={levels(all, ({ clients }) => clients)} say={number} />
            <Chart
              name={text.loopDelay}
              points={levels(all, ({ eventLoopDelay }) => eventLoopDelay?.meanMs ?? 0)}
              say={latency}
            />
            <Drops now={now} />
            <SlowClients />
            <TopTalkers />
            <Store now={now} />
          </div>
        </>
      )}
    </main>
  )
}

/** Says plainly that all is well, or what is not. */
function Health({ all }: { readonly all: readonly OverviewNow[] }) {
  const text = words.value
  const troubles = troublesOf(all)
  return (
    <div class={troubles.length === 0 ? 'card card-well' : 'card card-fault'} role="status">
      <h2>{troubles.length === 0 ? text.allWell : text.faults}</h2>
      {troubles.length === 0 ? (
        <p>{text.allWellHelp}</p>
      ) : (
        <ul>
          {troubles.map((trouble) => (
            <li key={trouble}>{trouble}</li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** As high as the other, so that nothing moves. */
function HealthUnknown() {
  const text = words.value
  return (
    <div class="card" role="status">
      <h2>
        {text.notKnown} <AsOf atMs={overviewAtMs.value} />
      </h2>
      <p>{text.notKnownHelp}</p>
    </div>
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

interface ChartProps {
  readonly name: string
  readonly points: readonly Point[]
  readonly say: (value: number) => string
}

function Chart({ name, points, say }: ChartProps) {
  const last = say(points.at(-1)?.value ?? 0)
  return (
    <section class="card" aria-label={name}>
      <h2>
        {name}{' '}
        <span class="rate">
          {last}
          {lostAtMs.value !== undefined && <AsOf atMs={overviewAtMs.value} />}
        </span>
      </h2>
      <LiveChart points={points} label={`${name}: ${last}`} />
    </section>
  )
}

function Drops({ now }: { readonly now: OverviewNow }) {
  const text = words.value
  const reasons: Readonly<Record<string, string>> = text.whys.reasons
  const drops = Object.entries(now.dropped).filter(([, amount]) => amount > 0)
  return (
    <section class="card" aria-label={text.dropsByReason}>
      <h2>{text.dropsByReason}</h2>
      {drops.length === 0 ? (
        <Nothing text={text.noDrops} />
      ) : (
        <Rows rows={drops.map(([reason, amount]) => [reasons[reason] ?? reason, number(amount)])} />
      )}
    </section>
  )
}

function SlowClients() {
  const text = words.value
  const slow = usePolled(REFRESH_MS, 'GET /slow-clients')?.clients
  return (
    <section class="card" aria-label={text.slowClients}>
      <h2>{text.slowClients}</h2>
      {slow === undefined || slow.length === 0 ? (
        <Nothing text={slow && text.noSlowClients} />
      ) : (
        <Rows
          rows={slow.map(({ clientId, queuedMessages, queuedBytes, connection }) => [
            clientId,
            `${count(queuedMessages, text.messages)}, ${bytes(queuedBytes + (connection?.pendingBytes ?? 0))}`,
          ])}
        />
      )}
    </section>
  )
}

function TopTalkers() {
  const text = words.value
  const top = usePolled(REFRESH_MS, 'GET /topics/top', { query: { limit: 10 } })?.topics
  return (
    <section class="card" aria-label={text.topTalkers}>
      <h2>{text.topTalkers}</h2>
      {top === undefined || top.length === 0 ? (
        <Nothing text={top && text.nobodyTalks} />
      ) : (
        <Rows rows={top.map(({ topic, messagesPerSecond }) => [topic, rate(messagesPerSecond)])} />
      )}
    </section>
  )
}

/** That there is nothing, if that is known; undefined: it is not known yet. */
function Nothing({ text }: { readonly text: string | undefined }) {
  return <p class="quiet">{lostAtMs.value === undefined ? (text ?? '…') : words.value.notKnown}</p>
}

function Store({ now: { store, history, retained } }: { readonly now: OverviewNow }) {
  const text = words.value
  const { writes } = store
  const rows: readonly (readonly [string, string | undefined])[] = [
    [text.storeState, store.isFailing ? text.storeFailing : text.storeWorks],
    [text.storeSize, store.bytes === null ? text.storeInMemory : bytes(store.bytes)],
    [text.storeWrites, writes === null ? undefined : `${latency(writes.meanMs)} / ${latency(writes.worstMs)}`],
    [text.retained, bytes(retained.bytes)],
    [text.history, history.isEnabled ? bytes(history.bytes) : undefined],
  ]
  return (
    <section class="card" aria-label={text.store}>
      <h2>{text.store}</h2>
      <Rows rows={rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))} />
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
              <bdi>{visible(name)}</bdi>
            </th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function perSecond(all: readonly OverviewNow[], total: (one: OverviewNow) => number): readonly Point[] {
  const points: Point[] = []
  for (const [index, one] of all.entries()) {
    const before = all[index - 1]
    if (before === undefined || one.atMs <= before.atMs) continue
    const value = Math.max(0, ((total(one) - total(before)) * 1000) / (one.atMs - before.atMs))
    points.push({ atMs: one.atMs, value })
  }
  return points
}

function levels(all: readonly OverviewNow[], level: (one: OverviewNow) => number): readonly Point[] {
  return all.map((one) => ({ atMs: one.atMs, value: level(one) }))
}

function sum(values: readonly number[]): number {
  return values.reduce((one, other) => one + other, 0)
}
