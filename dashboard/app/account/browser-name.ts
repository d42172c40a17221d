/** From the most particular on: Edge calls itself Chrome too, and Chrome Safari. */
const BROWSERS: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Headless)?(?:Chrome|Chromium|CriOS)\//],
  ['Safari', /\bSafari\//],
]
const SYSTEMS: readonly (readonly [name: string, mark: RegExp])[] = [
  ['Android', /\bAndroid\b/],
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/],
]
const MAX_CHARACTERS = 40

/** `Firefox, Linux` of how a browser calls itself; of what is no browser, as it does. */
export function browserName(userAgent: string): string {
  const found = [BROWSERS, SYSTEMS].map((names) => names.find(([, mark]) => mark.test(userAgent))?.[0])
  const named = found.filter((name) => name !== undefined)
  return named.length === 0 ? userAgent.slice(0, MAX_CHARACTERS) : named.join(', ')
}
