import type { Browser, Page } from 'playwright-core'
import { afterAll, onTestFinished } from 'vitest'
import { launchChromium } from '../support/chromium.ts'

export interface OpenPage {
  readonly page: Page
  /** What the browser complained about: scripts that failed, files that the policy forbade. */
  readonly complaints: string[]
}

/** Started by the first test of a file that needs it; each test has a context of its own, which shares nothing. */
let browser: Promise<Browser> | undefined

afterAll(async () => {
  await (await browser)?.close()
})

/**
 * Opens a place of the dashboard (`#/room/lobby`), connected, in a context of its own, which is closed when the test ends.
 * `prepare` is before.
 */
export async function openPage(
  httpPort: number,
  place = '#/',
  prepare?: (page: Page) => Promise<void>,
): Promise<OpenPage> {
  browser ??= launchChromium()
  const context = await (await browser).newContext({ viewport: { width: 1280, height: 720 }, locale: 'en' })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  // Sooner than the test's own limit, so that a wait in vain says what it waited for.
  page.setDefaultTimeout(40_000)
  const complaints: string[] = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (line) => {
    if (line.type() === 'error') complaints.push(line.text())
  })
  await prepare?.(page)
  await page.goto(`http://127.0.0.1:${httpPort}/${place}`)
  await page.locator('[data-link="online"]').waitFor()
  return { page, complaints }
}
