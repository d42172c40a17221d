import fc from 'fast-check'

// A list or a text gets as long as its `maxLength` says; by default fast-check makes none longer than 10.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true })

/** The share of a property's runs that is made: less in the inner loop (`npm run watch`, `npm run ok`), all in CI. */
const SHARE = Number(process.env['TEST_RUNS'] ?? 1)

/** How often a property is to be tried, where `count` is enough to trust it. */
export function runs(count: number): number {
  return Math.max(1, Math.ceil(count * SHARE))
}
