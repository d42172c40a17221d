import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { sharedChromium } from '../support/chromium.ts'
import { People } from '../support/people.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function openSignIn(locale: string, basePath = ''): Promise<{ page: Page; url: string }> {
  const { gate } = new People({
    anna: { password: 'correct horse', role: 'operator' },
    lamp: { password: 'secret of lamp' },
  })
  const config = { http: { basePath: basePath === '' ? '/' : basePath }, dashboard: { enabled: false } }
  const { httpPort } = await startHubWithHttp({ gate, config })
  const context = await (await sharedChromium()).newContext({ locale })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const url = `http://127.0.0.1:${httpPort}`
  await page.goto(`${url}${basePath}/api/docs`)
  return { page, url }
}

async function signInAs(page: Page, user: string, password: string): Promise<void> {
  await page.locator('#user').fill(user)
  await page.locator('#password').fill(password)
  await page.keyboard.press('Enter')
}

describe('Who opens a page where there is no dashboard, and has not signed in', () => {
  test('does so first, by keyboard, is told what is wrong, and comes to the page', async () => {
    const { page, url } = await openSignIn('en')
    expect(page.url()).toBe(`${url}/sign-in?to=.%2Fapi%2Fdocs`)
    await signInAs(page, 'anna', 'wrong')
    await page.getByRole('alert').getByText('The name or the password is not right.').waitFor()
    expect(await page.locator('#password').inputValue()).toBe('')
    await signInAs(page, 'lamp', 'secret of lamp')
    await page.getByRole('alert').getByText('This is a device').waitFor()
    await signInAs(page, 'anna', 'correct horse')
    await page.waitForURL(`${url}/api/docs**`)
  })

  test('comes to the page that was asked for, below a base path too, and to no other place', async () => {
    const { page, url } = await openSignIn('en', '/hub')
    expect(page.url()).toBe(`${url}/hub/sign-in?to=.%2Fapi%2Fdocs`)
    await signInAs(page, 'anna', 'correct horse')
    await page.waitForURL(`${url}/hub/api/docs**`)
    for (const to of [
      '//evil.example/',
      '/\\evil.example',
      'https://evil.example',
      '/../../x',
      'javascript:alert(1)',
      '',
    ]) {
      await page.goto(`${url}/hub/sign-in?to=${encodeURIComponent(to)}`)
      await signInAs(page, 'anna', 'correct horse')
      await page.waitForURL((now) => !now.pathname.endsWith('/sign-in'))
      expect([to, page.url().startsWith(`${url}/hub/`)]).toEqual([to, true])
    }
  })

  test.each([
    ['en-GB', 'Sign in to Hubbub', 'Name'],
    ['ru', 'Вход в Hubbub', 'Имя'],
    ['fi', 'Sign in to Hubbub', 'Name'],
  ])('is asked in their language, which a screen reader can read: %s', async (locale, title, name) => {
    const { page } = await openSignIn(locale)
    expect(await page.getByRole('heading').textContent()).toBe(title)
    await page.getByLabel(name, { exact: true }).waitFor()
    // The policy of the page lets no script in but its own files.
    await page.evaluate(AXE)
    const violations: unknown = await page.evaluate(
      `axe.run().then(({ violations }) => violations.map(({ id }) => id))`,
    )
    expect(violations).toEqual([])
  })
})
