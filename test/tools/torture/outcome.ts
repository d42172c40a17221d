/** What a scenario came to. It is passed when nothing is among the faults and it was not skipped. */
export interface Outcome {
  readonly scenario: string
  /** What was counted, in words and in order. */
  readonly counted: Readonly<Record<string, number | string>>
  readonly faults: readonly string[]
  /** What was measured, as a table. */
  readonly table?: string
  /** Why it could not run here. */
  readonly skipped?: string
}

export function describeOutcome({ scenario, counted, faults, skipped, table }: Outcome): string {
  const state = skipped === undefined ? (faults.length === 0 ? 'passed' : 'FAILED') : `SKIPPED: ${skipped}`
  const lines = Object.entries(counted).map(
    ([name, value]) => `  ${name.padEnd(44)} ${typeof value === 'number' ? value.toLocaleString('en') : value}`,
  )
  const tables = table === undefined ? [] : ['', table, '']
  return [`${scenario}: ${state}`, ...lines, ...tables, ...faults.map((fault) => `  FAULT ${fault}`), ''].join('\n')
}
