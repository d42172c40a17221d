// What goes with the table: the machine, how it was measured, how busy others were, and the JSON file.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from './figures.ts'
import type { Machine } from './machine.ts'
import type { Options } from './options.ts'
import { isMet, renderMarkdown, renderValue, valueOf, type RowResult } from './table.ts'
import type { TargetName } from './targets.ts'

const resultsFolder = fileURLToPath(new URL('../../test/tools/bench/results', import.meta.url))

/** The lines below the table. */
export function describeRun(machine: Machine, options: Options, results: readonly RowResult[]): string {
  const others = results.flatMap(({ runs }) => Object.values(runs).flat()).map((run) => run.detail['othersBusy'] ?? 0)
  const { processor, cores, memoryGiB, kernel, node, mosquitto, nats } = machine
  return [
    `${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}; Node ${node}; ` +
      `${mosquitto === undefined ? 'without Mosquitto' : `Mosquitto ${mosquitto}`}; ` +
      `${nats === undefined ? 'without NATS' : `NATS ${nats}`}.`,
    `Median of ${options.rounds} × ${options.seconds} s after a warm-up, a new process each time but for "hub, aged". "~": other programs disturbed it; they used`,
    `${median(others).toFixed(2)} of a core while measured (median; at most ${Math.max(0, ...others).toFixed(2)}).`,
    'Window: messages that each publisher keeps on their way, the same for every target. Generator alone: the load',
    'generator against a server that only passes bytes on, its best round; "(limits)" where the hub is so near to it that',
    "its figure may be the generator's.",
  ].join('\n')
}

/** A second table and what the rows on disk mean; nothing when none was measured. */
export function describeDisk(results: readonly RowResult[]): string {
  const onDisk = results.filter(({ row }) => row.isOnDisk)
  if (onDisk.length === 0) return ''
  const lines = onDisk.map(({ row, runs }) => [
    row.name,
    renderBytes(runs.hub, 'writtenBytesPerMessage'),
    renderBytes(runs.mosquitto, 'writtenBytesPerMessage'),
    renderBytes(runs.mosquitto, 'savedBytesPerMessage'),
  ])
  const written = lines.filter((cells) => cells.slice(1).some((cell) => cell !== '–'))
  const head = ['Bytes written per message', 'hub', 'mosquitto', 'mosquitto, one save']
  return [
    ...(written.length > 0 ? [renderMarkdown([head, ...written]), ''] : []),
    'On disk: the hub acknowledges a message when its store has committed it, which outlives kill -9 but not a power failure',
    '(--data FOLDER with durability "disk", the default). Mosquitto has "persistence true" and else its defaults: it saves',
    'every 30 minutes and when it ends, so that kill -9 loses all since the last save, though it was acknowledged. One save:',
    'what a save writes at the fullest moment of the row, as SIGTERM would make it. A message of 100 sessions counts 100',
    'times. What was acknowledged is counted in every session afterwards. What comes back goes through the window of 100 in',
    'flight, in the generator alone too.',
    '',
  ].join('\n')
}

function renderBytes(runs: RowResult['runs']['hub'], key: string): string {
  return renderValue(median((runs ?? []).map((run) => run.detail[key] ?? Number.NaN)), 'B')
}

/** Writes every figure and returns the name of the file. */
export function writeJson(
  machine: Machine,
  options: Options,
  targets: readonly TargetName[],
  results: readonly RowResult[],
): string {
  const date = new Date().toISOString()
  const file = options.json ?? join(resultsFolder, `${date.replaceAll(':', '-').slice(0, 19)}.json`)
  const rows = results.map((result) => ({
    ...result.row,
    isMet: isMet(result) ?? null,
    medians: Object.fromEntries(Object.entries(result.runs).map(([name, runs]) => [name, valueOf(runs)])),
    runs: result.runs,
    baselineRuns: result.baselineRuns,
  }))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ date, machine, options, targets, rows }, null, 2)}\n`)
  return file
}
