import type { Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { launchChromium } from '../support/chromium.ts'

export interface OpenPage {
  readonly page: Page
  /** What the browser complained about: scripts that failed, files that the policy forbade. */
  readonly complaints: string[]
}

/** Opens a place of the dashboard (`#/room/lobby`) in a browser of its own, connected; it is closed when the test ends. `prepare` is before. */
export async function openPage(
  httpPort: number,
  place = '#/',
  prepare?: (page: Page) => Promise<void>,
): Promise<OpenPage> {
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, locale: 'en' })
  // Sooner than the test's own limit, so that a wait in vain says what it waited for.
  page.setDefaultTimeout(20_000)
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
