import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sharedChromium } from '../support/chromium.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { fillSignIn, signIn, startGuardedHub, startPeopledHub } from './guarded.ts'
import { connectClient, retain } from './mqtt.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const ABOUT = {
  id: 'lamp-1',
  kind: 'lamp',
  name: 'Lamp',
  protocol: 5,
  telemetry: {
    contentType: 'application/json',
    qos: 0,
    schema: { properties: { watts: { type: 'number', unit: 'W' } } },
  },
  commands: {
    set: {
      title: 'Switch',
      parameters: {
        properties: { isOn: { type: 'boolean' }, brightness: { type: 'integer', minimum: 1, maximum: 100 } },
      },
      result: {},
    },
  },
}

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds wrong with the page as it is now. */
async function violationsOf(page: Page): Promise<string[]> {
  // Half a megabyte, which a page keeps until it is loaded anew.
  if (await page.evaluate(`typeof axe === 'undefined'`)) await page.evaluate(AXE)
  const violations: readonly Violation[] = await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  )
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) =>
        `${id}: ${html.slice(0, 160)} ${failureSummary.replaceAll(/\s+/g, ' ').slice(0, 300)}`,
    ),
  )
}

describe.each(['light', 'dark', 'forced colors'] as const)('In %s', (look) => {
  describe.each(['en', 'ru'] as const)('in %s', (locale) => {
    async function open(
      httpPort: number,
      place: string,
      size = { width: 1280, height: 720 },
      isWaiting = true,
    ): Promise<Page> {
      const browser = await sharedChromium()
      const isForced = look === 'forced colors'
      const colors = isForced
        ? ({ colorScheme: 'dark', forcedColors: 'active' } as const)
        : ({ colorScheme: look } as const)
      const page = await browser.newPage({ viewport: size, locale, reducedMotion: 'reduce', ...colors })
      onTestFinished(() => page.close())
      await page.goto(`http://127.0.0.1:${httpPort}/${place}`)
      if (isWaiting) await page.locator('[data-link="online"]').waitFor()
      return page
    }

    test('an empty hub has nothing that axe objects to', async () => {
      const { httpPort } = await startHubWithHttp()
      const page = await open(httpPort, '')
      await page.locator('.ways').waitFor()
      expect(await violationsOf(page)).toEqual([])
    })

    test('a room, its messages, a trail and a search have nothing that axe objects to', async () => {
      const { port, httpPort } = await startHubWithHttp()
      const page = await open(httpPort, '#/room/lobby')
      expect(await violationsOf(page)).toEqual([])
      const anna = await connectClient(port, 'anna')
      await anna.subscribeAsync('chat/lobby', { qos: 1 })
      await anna.publishAsync('chat/lobby', JSON.stringify({ from: 'Анна', text: 'Привет' }), { qos: 1, retain: true })
      await page.locator('.message', { hasText: 'Привет' }).waitFor()
      await page.locator('.writing textarea').fill('{"hello":')
      expect(await violationsOf(page)).toEqual([])
      await page.keyboard.press('Control+Enter')
      await page.locator('[data-tick="delivered"]').click()
      await page.locator('.trail').waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.keyboard.press('Escape')
      await page.locator('.message .value', { hasText: 'Привет' }).click()
      await page.locator('.payload-row').first().waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.locator('.stream .scroller').focus()
      await page.keyboard.press('/')
      await page.locator('.finder input').fill('Привет')
      await page.locator('#hit-0').waitFor()
      expect(await violationsOf(page)).toEqual([])
    })

    test('a device with its details, the overview and the retained messages have nothing that axe objects to', async () => {
      const { port, httpPort } = await startHubWithHttp()
      const lamp = await connectClient(port, 'lamp-1')
      await retain(lamp, 'devices/lamp-1/about', ABOUT)
      await retain(lamp, 'devices/lamp-1/status', 'online')
      await retain(lamp, 'devices/lamp-1/state', { isOn: true, brightness: 40 })
      const page = await open(httpPort, '#/device/lamp-1', { width: 1920, height: 1080 })
      for (let watts = 1; watts < 5; watts++)
        await lamp.publishAsync('devices/lamp-1/telemetry', `{"watts":${watts}}`, { qos: 1 })
      await page.locator('.telemetry .sparkline').waitFor()
      await page.locator('.details form').first().waitFor()
      await page.locator('.values-value').first().waitFor()
      await page.locator('.field-of-command[data-known="true"] input[type="number"]').fill('41')
      await page.locator('.field-change', { hasText: '40 → 41' }).waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.locator('.chip-field-wide input').fill('devices/lamp-1/status')
      await page.locator('.composer .chip[aria-pressed]').click()
      await page.locator('.send').click()
      await page.locator('.composer .ask').waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.goto(`http://127.0.0.1:${httpPort}/#/overview`)
      await page.locator('.card').first().waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
      await page.getByText('devices/lamp-1/about').first().waitFor()
      expect(await violationsOf(page)).toEqual([])
    })

    test('names of any colour, days, and a page without the hub have nothing that axe objects to', async () => {
      const { hub, port, httpPort } = await startHubWithHttp()
      const client = await connectClient(port, 'anna')
      // Of each colour that a name can have.
      for (const from of ['ada', 'bob', 'cy', 'dan', 'eve', 'kim', 'ned', 'ora']) {
        await client.publishAsync('chat/lobby', JSON.stringify({ from, text: 'Hello' }), { qos: 1 })
      }
      await retain(client, 'devices/lamp-1/status', 'asleep')
      const page = await open(httpPort, '#/room/lobby')
      await page.locator('.message', { hasText: 'ora' }).waitFor()
      const hues: string[] = await page.evaluate(`[...document.querySelectorAll('.who')].map((one) => one.dataset.hue)`)
      expect(new Set(hues).size).toBe(8)
      expect(await violationsOf(page)).toEqual([])
      await page.locator('.message .value').first().hover()
      await page.locator('.day-button').click()
      await page.locator('.day-form').waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.goto(`http://127.0.0.1:${httpPort}/#/overview`)
      await page.locator('.card').nth(5).waitFor()
      expect(await violationsOf(page)).toEqual([])
      await hub.stop()
      await page.locator('.as-of').first().waitFor()
      expect(await violationsOf(page)).toEqual([])
      for (const place of ['retained', 'room/kitchen', 'device/lamp-1']) {
        await page.goto(`http://127.0.0.1:${httpPort}/#/${place}`)
        await page
          .getByText(/Not known: no|Неизвестно: нет/)
          .first()
          .waitFor()
        expect(await violationsOf(page)).toEqual([])
      }
    })

    test('dialogs, the banner and a phone have nothing that axe objects to', async () => {
      const { hub, port, httpPort } = await startHubWithHttp()
      const client = await connectClient(port, 'anna')
      await client.publishAsync('chat/lobby', 'hi', { qos: 1 })
      const page = await open(httpPort, '#/room/lobby', { width: 390, height: 844 })
      await page.locator('.message', { hasText: 'hi' }).waitFor()
      expect(await violationsOf(page)).toEqual([])
      await page.goto(`http://127.0.0.1:${httpPort}/#/`)
      await page.locator('.line').first().waitFor()
      expect(await violationsOf(page)).toEqual([])
      for (const key of ['Control+k', '?']) {
        await page.keyboard.press(key)
        await page.locator('dialog[open]').waitFor()
        expect(await violationsOf(page)).toEqual([])
        await page.keyboard.press('Escape')
        await page.locator('dialog[open]').waitFor({ state: 'detached' })
      }
      for (const index of [0, 1]) {
        await page.locator('.sidebar header .icon-button').nth(index).click()
        await page.locator('dialog[open]').waitFor()
        expect(await violationsOf(page)).toEqual([])
        await page.keyboard.press('Escape')
        await page.locator('dialog[open]').waitFor({ state: 'detached' })
      }
      await hub.stop()
      await page.locator('.banner').waitFor()
      expect(await violationsOf(page)).toEqual([])
    })

    test('the form to sign in and the account have nothing that axe objects to', async () => {
      const { httpPort } = await startGuardedHub({ people: { anna: 'admin' } })
      for (const size of [
        { width: 1280, height: 720 },
        { width: 390, height: 844 },
      ]) {
        const page = await open(httpPort, '', size, false)
        await page.locator('.gate form').waitFor()
        expect(await violationsOf(page)).toEqual([])
        await fillSignIn(page, 'anna', 'wrong')
        await page.locator('.gate .fault', { hasText: /./ }).waitFor()
        expect(await violationsOf(page)).toEqual([])
        await signIn(page, 'anna')
        await page.getByRole('button', { name: 'anna' }).click()
        await page.locator('.sign-ins li').first().waitFor()
        expect(await violationsOf(page)).toEqual([])
        await page.context().clearCookies()
      }
    })

    test('the page of people and devices has nothing that axe objects to', async () => {
      const { httpPort } = await startPeopledHub()
      for (const size of [
        { width: 1280, height: 720 },
        { width: 390, height: 844 },
      ]) {
        const page = await open(httpPort, '#/people', size, false)
        await signIn(page, 'anna')
        await page.locator('.users button').click()
        await page.locator('.user-card .sign-ins li').first().waitFor()
        await page.locator('.toolbar button[aria-expanded]').click()
        await page.locator('.add-person').waitFor()
        expect(await violationsOf(page)).toEqual([])
        await page.locator('.user-card .danger').click()
        await page.locator('.user-card .ask').waitFor()
        expect(await violationsOf(page)).toEqual([])
      }
    })

    test('adding a device has nothing that axe objects to', async () => {
      const { httpPort } = await startPeopledHub()
      const page = await open(httpPort, '#/add-device', { width: 390, height: 844 }, false)
      await signIn(page, 'anna')
      await page.locator('.add-person input').first().fill('lamp')
      expect(await violationsOf(page)).toEqual([])
      await page.locator('.add-person .primary').click()
      await page.locator('.qr').waitFor()
      expect(await violationsOf(page)).toEqual([])
    })
  })
})
