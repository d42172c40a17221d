import { plainOf, Written } from '../../src/base/written.ts'

/** A configuration without what it keeps of where things were written, so that two of them can be compared. */
export function plainConfig(value: unknown): unknown {
  if (value instanceof Written) return plainOf(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]): [string, unknown] => [name, plainConfig(part)]))
}
