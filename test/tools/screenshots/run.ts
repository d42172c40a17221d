// `npm run screenshots:dashboard`: pictures of the page, of a real hub with real devices and clients.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { launchChromium } from '../../support/chromium.ts'
import { type State, STATES } from './states.ts'
import { createWorld, endWorld } from './worlds.ts'

const FOLDER = fileURLToPath(new URL('../../../../../dashboard/screenshots', import.meta.url))
const SIZES = {
  laptop: { width: 1280, height: 720 },
  desktop: { width: 1920, height: 1080 },
  tablet: { width: 768, height: 1024 },
  phone: { width: 390, height: 844 },
} as const
const WEBP_QUALITY = 82

interface Look {
  readonly size: keyof typeof SIZES
  readonly theme: 'light' | 'dark'
  readonly language: 'en' | 'ru'
}

type Format = 'webp' | 'png'

/** Every state in both themes and languages, but not in all sizes. */
const KEPT: readonly Look[] = [
  { size: 'laptop', theme: 'light', language: 'en' },
  { size: 'laptop', theme: 'dark', language: 'ru' },
  { size: 'phone', theme: 'dark', language: 'en' },
  { size: 'phone', theme: 'light', language: 'ru' },
]
const ALL: readonly Look[] = (['laptop', 'desktop', 'tablet', 'phone'] as const).flatMap((size) =>
  (['light', 'dark'] as const).flatMap((theme) =>
    (['en', 'ru'] as const).map((language) => ({ size, theme, language })),
  ),
)
const HELP = `npm run screenshots:dashboard -- [flags] [${Object.keys(STATES).join(' | ')} ...]

  --all            every size with every theme and language, not only those that are kept
  --out FOLDER     where to (default dashboard/screenshots)
  --format FORMAT  webp or png (default webp)
`

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      all: { type: 'boolean', default: false },
      out: { type: 'string', default: FOLDER },
      format: { type: 'string', default: 'webp' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return
  }
  const unknown = positionals.find((name) => STATES[name] === undefined)
  if (unknown !== undefined) throw new Error(`there is no state "${unknown}"; --help lists them`)
  const format = values.format === 'png' ? 'png' : 'webp'
  mkdirSync(values.out, { recursive: true })
  const browser = await launchChromium()
  try {
    for (const [name, state] of Object.entries(STATES)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue
      for (const look of values.all ? ALL : KEPT) {
        const file = `${name}-${look.size}-${look.theme}-${look.language}.${format}`
        const picture = await take(browser, state, look, format)
        writeFileSync(join(values.out, file), picture)
        process.stdout.write(`${file} ${Math.round(picture.length / 1000)} kB\n`)
      }
    }
  } finally {
    await browser.close()
  }
}

async function take(browser: Browser, state: State, look: Look, format: Format): Promise<Buffer> {
  const world = await createWorld(state.world, look.language)
  const context = await browser.newContext({
    viewport: SIZES[look.size],
    locale: look.language,
    colorScheme: look.theme,
    reducedMotion: 'reduce',
  })
  try {
    const page = await context.newPage()
    await page.goto(`http://127.0.0.1:${world.hub.httpPort}/${state.place}`)
    await page.locator('[data-link="online"]').waitFor()
    await state.prepare(page, world)
    const session = await context.newCDPSession(page)
    const quality = format === 'webp' ? { quality: WEBP_QUALITY } : {}
    const { data } = await session.send('Page.captureScreenshot', { format, ...quality })
    return Buffer.from(data, 'base64')
  } finally {
    await context.close()
    await endWorld(world)
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`Cannot take screenshots: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
