import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Faults } from './faults.ts'
import { type HogBroker, type Metrics, peakMemoryBytes, startHogHub, startHogMosquitto } from './hog-broker.ts'
import type { HogJob, HogName, HogReport } from './hog-kinds.ts'
import type { Outcome } from './outcome.ts'
import { QuietPair } from './quiet-pair.ts'
import type { Workshop } from './workshop.ts'

export interface HogsOptions {
  readonly workshop: Workshop
  /** What each of them would take. */
  readonly amounts: Readonly<Partial<Record<HogName, number>>>
  /** For how long each goes on. */
  readonly seconds: number
  readonly heapMegabytes: number
  readonly isControlWanted: boolean
}

/** What a hub with the memory of a small container is to withstand. */
export const AMOUNTS: Readonly<Record<HogName, number>> = {
  'topics used once': 500_000,
  'retained, QoS 0': 300_000,
  'retained, QoS 1': 150_000,
  'one topic flat out': 0,
  '10,000 random topics': 0,
  'QoS 1 flat out': 0,
  'queues of clients away': 300_000,
  'outputs nobody reads': 300,
  'half packets': 300,
  connections: 8000,
  subscriptions: 400_000,
  'kept sessions': 50_000,
  'topic aliases': 150_000,
  'large payloads': 0,
  'large payloads, QoS 1': 0,
  'HTTP queries': 0,
}

const WARM_UP_MS = 1000
const REST_MS = 1500
const SAMPLE_MS = 500
/** Beyond its time, for what is on its way. */
const GRACE_MS = 30_000
const MIB = 1024 ** 2
const HEAD = [
  'Hog',
  'Broker',
  'taken',
  'refused',
  'no memory',
  'a second',
  'p50',
  'p99',
  'longest',
  'loop held by',
  'RSS',
  'heap',
  'state',
]

/** Those whose hub has no disk: what they would take is then all in memory. */
const IN_MEMORY: ReadonlySet<HogName> = new Set(['queues of clients away', 'kept sessions'])

/** The most that was seen while a hog was at work. */
interface Peaks {
  heapBytes: number
  metrics: Metrics | undefined
}

/**
 * One client after another takes all it can of a hub whose heap is small: it must not end, keep to its bound, and lose nothing of two
 * clients beside it. What these wait, and what held the loop, is only printed.
 */
export async function runHogs(options: HogsOptions): Promise<Outcome> {
  const { workshop, amounts, heapMegabytes, isControlWanted } = options
  const faults = new Faults()
  const rows: string[][] = []
  for (const [name, amount] of Object.entries(amounts)) {
    const hog = hogName(name)
    const data = IN_MEMORY.has(hog) ? 'memory' : join(workshop.folder, `data-${rows.length}`)

    const args = ['--data', data, '--limits-memory', `${heapMegabytes} MiB`]
    const hub = await startHogHub(workshop, heapMegabytes, args, faults)
    if (hub !== undefined) {
      rows.push(await withstand(hub, hog, amount, options, faults))
      if (!IN_MEMORY.has(hog)) await restart(workshop, heapMegabytes, args, faults)
    }
    const control = isControlWanted && hog !== 'HTTP queries' ? await startHogMosquitto(workshop) : undefined
    if (control !== undefined) rows.push(await withstand(control, hog, amount, options, new Faults()))
  }
  return {
    scenario: 'hogs',
    counted: { 'heap (MiB)': heapMegabytes, hogs: Object.keys(amounts).length },
    faults: faults.lines,
    table: renderTable([HEAD, ...rows]),
  }
}

/** With what is on disk it has to come up again, in the same memory. */
async function restart(
  workshop: Workshop,
  heapMegabytes: number,
  args: readonly string[],
  faults: Faults,
): Promise<void> {
  const again = await startHogHub(workshop, heapMegabytes, args, faults)
  await again?.kill()
}

async function withstand(
  broker: HogBroker,
  hog: HogName,
  amount: number,
  { workshop, seconds }: HogsOptions,
  faults: Faults,
): Promise<string[]> {
  const pair = new QuietPair(broker.port)
  if (!(await pair.start())) faults.add('pair not subscribed', hog)
  await sleep(WARM_UP_MS)
  pair.takeLatenciesMs()
  const peaks: Peaks = { heapBytes: 0, metrics: undefined }
  const sampler = setInterval(() => void sample(broker, peaks, hog, faults), SAMPLE_MS)
  const job: HogJob = { hog, port: broker.port, httpUrl: broker.httpUrl ?? '', amount, seconds }
  const child = workshop.startProgram('hog', job)
  const startedMs = performance.now()
  const report = await reportOf(child, seconds * 1000 + GRACE_MS)
  const elapsedSeconds = (performance.now() - startedMs) / 1000
  const latenciesMs = pair.takeLatenciesMs()
  await sleep(REST_MS)
  clearInterval(sampler)
  await pair.stop()
  await sample(broker, peaks, hog, faults)
  const peakBytes = peakMemoryBytes(broker.pid)
  if (broker.hasEnded) faults.add('process ended', hog)
  else if (pair.received < pair.sent) faults.add('lost', `${pair.sent - pair.received} messages of the pair, ${hog}`)
  if (report === undefined && !broker.hasEnded) faults.add('hog hung', hog)
  else if (report !== undefined && report.broken > 0) faults.add('HTTP broken', `${report.broken} requests, ${hog}`)
  if (!broker.hasEnded) checkBooks(peaks.metrics, hog, report, faults)
  const state = broker.hasEnded ? 'ENDED' : pair.received < pair.sent ? 'LOST' : 'alive'
  pair.end()
  child.kill('SIGKILL')
  await broker.kill()
  const { done = 0, refused = 0, ended = 0 } = report ?? {}
  return [
    hog,
    broker.name,
    String(done),
    `${refused}${ended > 0 ? ` (${ended} ended)` : ''}`,
    peaks.metrics === undefined ? '' : String(sum(peaks.metrics, 'hubbub_memory_refusals_total')),
    String(Math.round(done / elapsedSeconds)),
    ...[0.5, 0.99, 1].map((share) => `${quantile(latenciesMs, share)} ms`),
    longestStop(peaks.metrics),
    `${Math.round(peakBytes / MIB)} MiB`,
    peaks.heapBytes === 0 ? '' : `${Math.round(peaks.heapBytes / MIB)} MiB`,
    state,
  ]
}

async function sample(broker: HogBroker, peaks: Peaks, hog: HogName, faults: Faults): Promise<void> {
  const metrics = await broker.scrape()
  if (metrics === undefined) return
  peaks.metrics = metrics
  peaks.heapBytes = Math.max(peaks.heapBytes, metrics.get('nodejs_heap_size_used_bytes') ?? 0)
  const bytes = sum(metrics, 'hubbub_memory_bytes')
  const limit = metrics.get('hubbub_memory_limit_bytes') ?? Infinity
  if (bytes > limit) faults.add('bound exceeded', `${bytes} of ${limit} bytes, ${hog}`)
}

/** What the hub has counted must add up, and what it has acknowledged as retained must be there. */
function checkBooks(metrics: Metrics | undefined, hog: HogName, report: HogReport | undefined, faults: Faults): void {
  if (metrics === undefined) return
  const matched = metrics.get('hubbub_messages_matched_total') ?? 0
  const delivered = metrics.get('hubbub_messages_delivered_total') ?? 0
  const pending = metrics.get('hubbub_messages_pending') ?? 0
  const dropped = sum(metrics, 'hubbub_messages_dropped_total')
  if (matched !== delivered + pending + dropped)
    faults.add('ledger', `${matched} matched, ${delivered} + ${pending} + ${dropped}, ${hog}`)
  const retained = metrics.get('hubbub_retained_messages') ?? 0
  if (hog === 'retained, QoS 1' && report !== undefined && retained < report.done)
    faults.add('acknowledged and not kept', `${report.done} were acknowledged, ${retained} are retained`)
}

/** The last thing a hog says; undefined when it says nothing in time. */
async function reportOf(
  child: ReturnType<Workshop['startProgram']>,
  deadlineMs: number,
): Promise<HogReport | undefined> {
  child.stderr.pipe(process.stderr)
  const lines = createInterface({ input: child.stdout })
  const said = new Promise<HogReport>((resolve) => {
    lines.once('line', (line) => resolve(JSON.parse(line)))
  })
  return Promise.race([said, sleep(deadlineMs, undefined, { ref: false })])
}

function sum(metrics: Metrics, name: string): number {
  let total = 0
  for (const [key, value] of metrics) if (key === name || key.startsWith(`${name}{`)) total += value
  return total
}

function longestStop(metrics: Metrics | undefined): string {
  let longest: readonly [cause: string, seconds: number] = ['', 0]
  for (const [key, seconds] of metrics ?? []) {
    const [, cause] = /^hubbub_event_loop_longest_stop_seconds\{cause="(.*)"\}$/.exec(key) ?? []
    if (cause !== undefined && seconds > longest[1]) longest = [cause, seconds]
  }
  return longest[1] === 0 ? '' : `${longest[0]}, ${Math.round(longest[1] * 1000)} ms`
}

function quantile(sortedMs: readonly number[], share: number): number {
  return Math.round(sortedMs[Math.min(sortedMs.length - 1, Math.floor(sortedMs.length * share))] ?? 0)
}

function hogName(name: string): HogName {
  const found = Object.keys(AMOUNTS).find((known) => known === name)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names of the table are those of the hogs
  if (found !== undefined) return found as HogName
  throw new TypeError(`there is no hog ${name}`)
}

function renderTable(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...others] = rows
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...others.map(line)].join('\n')
}
