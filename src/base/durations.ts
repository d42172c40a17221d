const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** The milliseconds of a duration as people write it: `30s`, `15m`, `24h`, `7d`, `2w`. Undefined when it is not a duration. */
export function readDurationMs(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,12})([a-z])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  return amount === undefined || unitMs === undefined ? undefined : Number(amount) * unitMs
}
