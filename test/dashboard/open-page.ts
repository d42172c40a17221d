import type { Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { sharedChromium } from '../support/chromium.ts'

export interface OpenPage {
  readonly page: Page
  /** What the browser complained about: scripts that failed, files that the policy forbade. */
  readonly complaints: string[]
}

/**
 * Opens a place of the dashboard (`#/room/lobby`), connected, in a context of its own, which is closed when the test ends.
 * `prepare` is before; without `isWaiting` it need not connect.
 */
export async function openPage(
  httpPort: number,
  place = '#/',
  prepare?: (page: Page) => Promise<void>,
  isWaiting = true,
): Promise<OpenPage> {
  const browser = await sharedChromium()
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: 'en' })
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
  if (isWaiting) await page.locator('[data-link="online"]').waitFor()
  return { page, complaints }
}
