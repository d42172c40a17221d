/** A row of the table: what was measured beside what it has to be. */
export interface Figure {
  readonly what: string
  readonly must: string
  readonly aim: string
  readonly measured: string
  /** Undefined where the limit is not one number. */
  readonly isMet: boolean | undefined
}

/** The value that a share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function ms(value: number): string {
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`
}

export function printFigures(figures: readonly Figure[]): void {
  console.log('| What | Must | Aim | Measured | |\n|---|---|---|---|---|')
  for (const { what, must, aim, measured, isMet } of figures) {
    console.log(`| ${what} | ${must} | ${aim} | ${measured} | ${isMet === undefined ? '' : isMet ? '✓' : 'missed'} |`)
  }
}
