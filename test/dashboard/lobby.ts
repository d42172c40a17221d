import type { Page } from 'playwright-core'
import { startHubWithHttp, type HttpTestHub } from '../support/start-hub.ts'
import { openPage } from './open-page.ts'
import { PageProxy } from './page-proxy.ts'

export interface SeenHub extends HttpTestHub {
  readonly page: Page
  readonly proxy: PageProxy
}

/** A place of a new hub, seen through a proxy that counts packets. */
export async function openLobby(
  options: Parameters<typeof startHubWithHttp>[0] = {},
  place = '#/room/lobby',
  prepare?: (page: Page) => Promise<void>,
): Promise<SeenHub> {
  const started = await startHubWithHttp(options)
  const proxy = await PageProxy.start(started.httpPort)
  const { page } = await openPage(proxy.port, place, prepare)
  return { ...started, page, proxy }
}

/** Sends a message from the composer. */
export async function write(page: Page, text: string, qos: 0 | 1 | 2): Promise<void> {
  await page.getByRole('radio', { name: `QoS ${qos}` }).check()
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.keyboard.press('Control+Enter')
}

/** Waits for the sign of a message. */
export async function sees(page: Page, text: string, tick: string): Promise<void> {
  await page.locator('.message', { hasText: text }).locator(`[data-tick="${tick}"]`).waitFor()
}

/** Cuts the page off and waits until it has noticed. */
export async function goOffline({ page, proxy }: Pick<SeenHub, 'page' | 'proxy'>): Promise<void> {
  proxy.refuse()
  await page.getByText('No connection to the hub').waitFor()
}

/** Lets the page connect again, at once: not after its pause. */
export async function goOnline({ page, proxy }: Pick<SeenHub, 'page' | 'proxy'>): Promise<void> {
  proxy.allow()
  await page.evaluate(`dispatchEvent(new Event('online'))`)
  await page.locator('[data-link="online"]').waitFor()
}
