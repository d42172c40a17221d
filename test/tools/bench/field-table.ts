// A table of its own: what rows of the field tell besides their value.
import { median } from './figures.ts'
import type { Measurement, Task } from './job.ts'
import { renderMarkdown, targetTitles, type RowResult } from './table.ts'
import type { TargetName } from './targets.ts'

/** What stands in the detail of such a measurement. */
const figures: Partial<Record<Task['kind'], readonly (readonly [key: string, words: string])[]>> = {
  start: [
    ['startProcessorMs', 'processor time of the start (ms)'],
    ['startedMiB', 'memory after the start (MiB)'],
    ['stopMs', 'the stop before it (ms)'],
    ['sessionsPerSecond', 'kept sessions made (a second)'],
    ['sessionMicroseconds', 'processor time of each (µs)'],
    ['sessionBytes', 'memory of each (bytes)'],
    ['retainedPerSecond', 'retained messages published (a second)'],
    ['retainedMicroseconds', 'processor time of each (µs)'],
    ['retainedBytes', 'memory of each (bytes)'],
  ],
  crowd: [
    ['connectionsPerSecond', 'connections made, each with a SUBSCRIBE (a second)'],
    ['connectMicroseconds', 'processor time of each (µs)'],
    ['silentShare', 'of a core while all are silent'],
    ['speakingShare', 'of a core while each speaks once a minute'],
    ['microsecondsEach', 'processor time of each time that one speaks (µs)'],
  ],
}

/** The table; nothing when no row has such figures. */
export function describeField(results: readonly RowResult[], targets: readonly TargetName[]): string {
  const columns = targets.filter((name) => name === 'hub' || name === 'mosquitto')
  const lines = results.flatMap(({ row, runs }) => {
    const known = figures[row.task.kind]
    if (known === undefined) return []
    const head = [`**${row.name}**`].concat(columns.map(() => ''))
    return [head].concat(
      known.map(([key, words]) => [words].concat(columns.map((name) => render(medianOf(runs[name], key))))),
    )
  })
  return lines.length === 0
    ? ''
    : `${renderMarkdown([['In the field', ...columns.map((name) => targetTitles[name])], ...lines])}\n`
}

function medianOf(runs: readonly Measurement[] | undefined, key: string): number {
  return median((runs ?? []).map(({ detail }) => detail[key] ?? Number.NaN).filter((one) => Number.isFinite(one)))
}

function render(value: number): string {
  return Number.isNaN(value) ? '–' : Number(value.toPrecision(3)).toLocaleString('en')
}
