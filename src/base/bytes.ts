export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB

const BYTES_OF_UNIT: ReadonlyMap<string, number> = new Map([
  ['GiB', GIB],
  ['MiB', MIB],
  ['KiB', KIB],
])

/** A size for people, in the largest unit that fits and to one decimal: `24 bytes`, `64 KiB`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  for (const [unit, unitBytes] of BYTES_OF_UNIT) {
    if (bytes >= unitBytes) return `${Number((bytes / unitBytes).toFixed(1))} ${unit}`
  }
  return `${bytes} bytes`
}

/** The bytes of a size as people write it: `4096`, `64 KiB`, `1.5 GiB`. Undefined when it is not a size, or not a whole number of bytes. */
export function readBytes(text: string): number | undefined {
  const [, amount, unit = 'B'] = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?$/.exec(text) ?? []
  const bytes = Number(amount) * (BYTES_OF_UNIT.get(unit) ?? 1)
  return Number.isInteger(bytes) ? bytes : undefined
}
