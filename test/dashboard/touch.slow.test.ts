import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

const FINGER_PIXELS = 40
const PHONE = { width: 390, height: 844 }

/** What a finger would miss: all that can be touched and is in sight, with how far around its middle a touch still meets it. */
async function missed(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const found = []
    const selector = 'a[href], button, select, textarea, input, [role="option"], summary'
    const top = document.querySelector('dialog[open]') ?? document
    for (const one of top.querySelectorAll(selector)) {
      const target = one.matches('[type="radio"], [type="checkbox"]') ? (one.closest('label') ?? one) : one
      const box = target.getBoundingClientRect()
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
      const isMet = (atX, atY) => {
        const met = document.elementFromPoint(atX, atY)
        return met !== null && (target.contains(met) || met.contains(target) && met.closest('label') === target)
      }
      if (one.disabled || one.closest('[inert]') !== null || !isMet(x, y)) continue
      const reach = (stepX, stepY) => {
        let pixels = 0
        while (pixels < 60 && isMet(x + stepX * (pixels + 1), y + stepY * (pixels + 1))) pixels++
        return pixels
      }
      const width = reach(-1, 0) + reach(1, 0) + 1
      const height = reach(0, -1) + reach(0, 1) + 1
      // What is cut by the edge of what scrolls has its size when it is scrolled to.
      const scroller = one.closest('.scroller, .page, .details-body, .table-frame, .pins ul')?.getBoundingClientRect()
      if (scroller !== undefined && (box.top < scroller.top + 24 || box.bottom > scroller.bottom - 24)) continue
      if (scroller !== undefined && (box.left < scroller.left || box.right > scroller.right)) continue
      const name = one.getAttribute('aria-label') ?? one.textContent.trim().slice(0, 40) + ' ' + one.className
      if (width < ${FINGER_PIXELS} || height < ${FINGER_PIXELS}) found.push(name + ': ' + width + ' × ' + height)
    }
    return found
  })()`)
}

test('On a phone all that one touches is as large as a finger', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  await retain(lamp, 'devices/lamp-1/status', 'online')
  await lamp.publishAsync('devices/lamp-1/event', '{"pressed":1}', { qos: 1 })
  await lamp.publishAsync('chat/lobby', JSON.stringify({ from: 'Anna', text: 'Hi' }), { qos: 1 })
  const { page } = await openPage(httpPort, '#/', async (fresh) => {
    await fresh.setViewportSize(PHONE)
  })
  await page.locator('.line[data-id="device/lamp-1"]').waitFor()
  expect(await missed(page)).toEqual([])
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/lobby`)
  await page.locator('.message', { hasText: 'Hi' }).waitFor()
  await page.getByRole('textbox', { name: 'Message' }).fill('from a phone')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.locator('[data-tick="nobody"]').waitFor()
  expect(await missed(page)).toEqual([])
  await page.getByRole('button', { name: 'Topic, QoS, Retain' }).click()
  await page.locator('.chips').waitFor()
  expect(await missed(page)).toEqual([])
  await page.getByRole('button', { name: 'Jump to a date' }).click()
  await page.locator('.day-form').waitFor()
  expect(await missed(page)).toEqual([])
  await page.goto(`http://127.0.0.1:${httpPort}/#/device/lamp-1`)
  await page.locator('.pin').waitFor()
  expect(await missed(page)).toEqual([])
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details').waitFor()
  expect(await missed(page)).toEqual([])
  for (const place of ['overview', 'retained']) {
    await page.goto(`http://127.0.0.1:${httpPort}/#/${place}`)
    await page.locator('.page-head').waitFor()
    await page.locator('.card, .rows').first().waitFor()
    expect(await missed(page)).toEqual([])
  }
  await page.goto(`http://127.0.0.1:${httpPort}/#/`)
  for (const name of ['Settings', 'New room or channel']) {
    await page.getByRole('button', { name }).click()
    await page.locator('dialog[open]').waitFor()
    expect(await missed(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
  }
})

test('On a phone one writes in one row; topic, QoS and Retain are a touch away', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  await lamp.publishAsync('devices/lamp-1/state', 'on', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1', async (fresh) => {
    await fresh.setViewportSize(PHONE)
  })
  for (const place of ['device/lamp-1', 'room/lobby']) {
    await page.goto(`http://127.0.0.1:${httpPort}/#/${place}`)
    await page.locator('.composer').waitFor()
    const box = await page.locator('.composer').boundingBox()
    expect(box?.height).toBeLessThanOrEqual(60)
  }
  const more = page.getByRole('button', { name: 'Topic, QoS, Retain: Q1' })
  await more.click()
  await page.getByRole('radio', { name: 'QoS 2' }).check()
  await page.getByRole('button', { name: 'Topic, QoS, Retain: Q2' }).click()
  await page.locator('.chips').waitFor({ state: 'hidden' })
  await page.getByRole('textbox', { name: 'Message' }).fill('twice sure')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.locator('.message', { hasText: 'twice sure' }).getByText('Q2').waitFor()
})
