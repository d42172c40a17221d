#!/usr/bin/env node
import { FlagsInvalid, HELP, readFlags } from './flags.ts'
import { KINDS } from './kinds.ts'
import { isAllWell, runScenario, type Summary } from './run.ts'
import { bundledScenarios, idsOf, loadScenario, ScenarioInvalid } from './scenario.ts'

const EXIT_UNWELL = 1
const EXIT_MISTAKE = 2
const EXIT_BUG = 70

async function main(argv: readonly string[]): Promise<void> {
  const flags = readFlags(argv)
  if (flags.isHelpWanted || flags.isListWanted) {
    process.stdout.write(flags.isHelpWanted ? HELP : listText())
    return
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  const summary = await runScenario(flags, { stopped: stop.signal, output: process.stderr })
  process.stdout.write(flags.isJsonWanted ? `${JSON.stringify(summary)}\n` : summaryText(summary))
  if (!isAllWell(summary)) process.exitCode = EXIT_UNWELL
}

function listText(): string {
  const scenarios = [...bundledScenarios().keys()].map((name) => {
    const { summary, devices } = loadScenario(name)
    const count = devices.reduce((sum, group) => sum + idsOf(group).length, 0)
    return `  ${name.padEnd(12)}${summary} (${count})\n`
  })
  const kinds = [...KINDS.values()].map(({ name, summary }) => `  ${name.padEnd(12)}${summary}\n`)
  return `Scenarios:\n${scenarios.join('')}\nKinds:\n${kinds.join('')}`
}

function summaryText(summary: Summary): string {
  const { audit, lastError = '' } = summary
  const rows: [name: string, value: string | number][] = [
    ['scenario', summary.scenario],
    ['connected', `${summary.everConnected} of ${summary.devices}`],
    ['seconds', summary.seconds],
    ['published', `${summary.published}, ${summary.skipped} skipped at QoS 0 without a connection`],
    ['acknowledged', `${summary.acknowledged}, ${summary.undelivered} not`],
    ['commands', `${summary.received} received, ${summary.replies} replies`],
    ['cut off', summary.cuts],
    ['errors', summary.errors === 0 ? 0 : `${summary.errors}, the last: ${lastError}`],
  ]
  if (audit !== undefined) {
    const { events, redeliveries, readings, wills, discrepancies } = audit
    rows.push([
      'audit',
      `${events} events (${redeliveries} delivered again), ${readings} readings, ${wills} wills; ${discrepancies.length} discrepancies`,
    ])
    rows.push(
      ...discrepancies.map(({ device, what, said, seen }): [string, string] => [
        '',
        `${device}: ${what}: said ${said}, seen ${seen}`,
      ]),
    )
  }
  return rows.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join('')
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const isMistake = error instanceof FlagsInvalid || error instanceof ScenarioInvalid
  const text = error instanceof Error ? error.message : String(error)
  process.stderr.write(`${isMistake ? text : `Cannot run the devices: ${text}`}\n`)
  process.exitCode = isMistake ? EXIT_MISTAKE : hasCode(error) ? EXIT_UNWELL : EXIT_BUG
}

/** Errors of the network have one. */
function hasCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error
}
