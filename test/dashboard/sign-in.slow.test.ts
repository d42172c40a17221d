import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { People } from '../support/people.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { rule } from '../support/gate.ts'
import { fillSignIn, guard, PASSWORD, signIn, startGuardedHub } from './guarded.ts'
import { openPage } from './open-page.ts'

const ADMINS = { anna: 'admin', boris: 'admin' } as const

/** Opens a place of a hub with users, where the form is to be filled in. */
async function openForm(httpPort: number, place = '#/room/lobby'): Promise<Page> {
  const { page } = await openPage(httpPort, place, undefined, false)
  await page.locator('.gate form').waitFor()
  return page
}

function draftOf(page: Page): Promise<string> {
  return page.getByRole('textbox', { name: 'Message' }).inputValue()
}

/** Ends all sign-ins of a person but that of who asks for it, as an admin does elsewhere. */
async function endSignIns(page: Page): Promise<void> {
  await page.evaluate(`(async () => {
    const { sessions } = await (await fetch('api/v1/sessions')).json()
    for (const { id } of sessions)
      await fetch('api/v1/sessions/' + id, { method: 'DELETE', headers: { 'X-Hubbub': '1' } })
  })()`)
}

test('A page that nobody has signed in on shows a form in place, tells what is wrong in words, and goes on where it was', async () => {
  const { hub, httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort, '#/room/kitchen')
  const alert = page.getByRole('alert')
  expect(await page.locator('.columns').isVisible()).toBe(false)
  const top = await page.getByRole('button', { name: 'Sign in' }).boundingBox()
  await page.keyboard.press('Enter')
  await alert.getByText('Enter a name and a password').waitFor()
  await fillSignIn(page, 'anna', 'wrong')
  await alert.getByText('The name or the password is not right').waitFor()
  expect(await page.getByRole('button', { name: 'Sign in' }).boundingBox()).toEqual(top)
  await fillSignIn(page, 'nobody')
  await alert.getByText('The name or the password is not right').waitFor()
  await signIn(page, 'anna')
  await hub.publish('chat/kitchen', 'Hello')
  await page.locator('.message', { hasText: 'Hello' }).waitFor()
  await page.locator('.line', { hasText: 'Hello' }).waitFor()
  await page.reload()
  await page.locator('[data-link="online"]').waitFor()
  expect(await page.locator('.gate').count()).toBe(0)
  await page.locator('.message', { hasText: 'Hello' }).waitFor()
})

test('The password can be shown, and what was shown is hidden by a click', async () => {
  const { httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  const password = page.locator('#gate-password')
  await password.fill('secret')
  expect(await password.getAttribute('type')).toBe('password')
  await page.getByRole('button', { name: 'Show the password' }).click()
  expect(await password.getAttribute('type')).toBe('text')
  await page.getByRole('button', { name: 'Show the password' }).click()
  expect(await password.getAttribute('type')).toBe('password')
  expect(await password.inputValue()).toBe('secret')
})

test.each([
  ['banned', 'Too many failures from here'],
  ['busy', 'Too many people are signing in at once'],
] as const)('Who is %s is told so in words', async (refusal, words) => {
  const people = new People({ anna: { password: 'pw', role: 'admin' }, lamp: { password: 'pw2' } })
  const { httpPort } = await startHubWithHttp({ gate: people.gate })
  const page = await openForm(httpPort)
  people.refusal = refusal
  await fillSignIn(page, 'anna', 'pw')
  await page.getByRole('alert').getByText(words).waitFor()
  people.refusal = undefined
  await fillSignIn(page, 'lamp', 'pw2')
  await page.getByRole('alert').getByText('This is a device').waitFor()
})

test('When the hub is gone the form says so, and keeps what was typed', async () => {
  const { hub, httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  await hub.stop()
  await fillSignIn(page, 'anna')
  await page.getByRole('alert').getByText('The hub does not answer').waitFor()
  expect(await page.locator('#gate-password').inputValue()).toBe(PASSWORD)
})

test('A sign-in that is ended elsewhere brings the form back at once; what was written is kept, and nothing that was said is missing', async () => {
  const { hub, httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  await signIn(page, 'anna')
  await page.getByRole('textbox', { name: 'Message' }).fill('half a sentence')
  await page.getByRole('button', { name: 'Search in this conversation' }).click()
  await page.locator('.finder input').fill('sought')
  await endSignIns(page)
  await page.locator('.gate form').waitFor()
  await page.getByText('What you wrote is still here').waitFor()
  await page.keyboard.press('Control+k')
  expect(await page.locator('dialog[open]').count()).toBe(0)
  await hub.publish('chat/lobby', 'meanwhile')
  await signIn(page, 'anna')
  expect(await draftOf(page)).toBe('half a sentence')
  expect(await page.locator('.finder input').inputValue()).toBe('sought')
  await page.locator('.message', { hasText: 'meanwhile' }).waitFor()
  await hub.publish('chat/hall', 'after it')
  await page.locator('.line', { hasText: 'after it' }).waitFor()
  await page.getByRole('textbox', { name: 'Message' }).press('Enter')
  await page.locator('.message', { hasText: 'half a sentence' }).locator('[data-tick="nobody"]').waitFor()
})

test('While nobody is signed in, the page does not knock at the hub again and again', async () => {
  const { hub, httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  await signIn(page, 'anna')
  await endSignIns(page)
  await page.locator('.gate form').waitFor()
  await page.evaluate(`dispatchEvent(new Event('online'))`)
  const refused = hub.addresses.http === undefined ? [] : await mishapsOf(page, 'boris')
  expect(refused.filter((kind) => kind === 'connect-refused').length).toBeLessThanOrEqual(1)
})

/** Kinds of what went wrong, as somebody else sees it. */
async function mishapsOf(page: Page, user: string): Promise<string[]> {
  const other = await page.context().browser()?.newContext()
  const second = await other?.newPage()
  await second?.goto(page.url())
  if (second === undefined) return []
  await signIn(second, user)
  const kinds: string[] = await second.evaluate(
    `fetch('api/v1/mishaps').then((answer) => answer.json()).then(({ mishaps }) => mishaps.map(({ kind }) => kind))`,
  )
  await other?.close()
  return kinds
}

test('A person who is removed, and one whose role is another, have to sign in again', async () => {
  const { users, httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  await signIn(page, 'boris')
  await users.changes.change('boris', { role: 'operator' })
  await page.locator('.gate form').waitFor()
  await signIn(page, 'boris')
  await users.changes.remove('boris')
  await page.locator('.gate form').waitFor()
  await fillSignIn(page, 'boris')
  await page.getByRole('alert').getByText('is not right').waitFor()
})

test('A hub that was started anew and knows no sign-in asks for one, and the page goes on', async () => {
  const { hub, httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  await signIn(page, 'anna')
  await page.getByRole('textbox', { name: 'Message' }).fill('half a sentence')
  await hub.stop()
  await page.locator('.banner').waitFor()
  const { gate } = await guard({ people: ADMINS })
  const again = await startHubWithHttp({ gate, config: { httpPort } })
  await page.locator('.gate form').waitFor()
  await signIn(page, 'anna')
  expect(await draftOf(page)).toBe('half a sentence')
  await again.hub.publish('chat/lobby', 'Hello')
  await page.locator('.message', { hasText: 'Hello' }).waitFor()
  expect(await page.locator('.banner').count()).toBe(0)
})

test('A hub that gets its first users while a page is open asks who this is', async () => {
  const { hub, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort, '#/room/lobby')
  await page.getByRole('textbox', { name: 'Message' }).fill('half a sentence')
  await hub.stop()
  await page.locator('.banner').waitFor()
  const { gate } = await guard({ people: ADMINS })
  await startHubWithHttp({ gate, config: { httpPort } })
  await page.locator('.gate form').waitFor()
  await signIn(page, 'anna')
  await expect.poll(() => draftOf(page)).toBe('half a sentence')
})

test('The menu says who one is; signing out leaves nothing on the page, and the next person finds nothing of it', async () => {
  const { httpPort } = await startGuardedHub({ people: { anna: 'admin', vera: 'viewer' } })
  const page = await openForm(httpPort)
  await signIn(page, 'anna')
  await page.getByRole('textbox', { name: 'Message' }).fill('private')
  await page.getByRole('button', { name: 'anna' }).click()
  await page.getByRole('dialog', { name: 'Your account' }).getByText('admin', { exact: true }).waitFor()
  await page.getByText('this one').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('.gate form').waitFor()
  expect(await page.locator('.gate-ended').count()).toBe(0)
  await signIn(page, 'vera')
  await page.getByRole('button', { name: 'vera' }).waitFor()
  expect(await page.evaluate(`JSON.stringify(localStorage)`)).not.toContain('private')
})

test('Where one is signed in is listed, and ended one by one', async () => {
  const { httpPort } = await startGuardedHub({ people: ADMINS })
  const first = await openForm(httpPort)
  await signIn(first, 'anna')
  const second = await openForm(httpPort)
  await signIn(second, 'anna')
  await second.getByRole('button', { name: 'anna' }).click()
  await second.locator('.sign-ins li').nth(1).getByRole('button', { name: 'End' }).click()
  await first.locator('.gate form').waitFor()
  await expect.poll(() => second.locator('.sign-ins li').count()).toBe(1)
  expect(await second.locator('.gate').count()).toBe(0)
})

test('Who was led to sign in gets where they wanted to, and never to another site', async () => {
  const { httpPort } = await startGuardedHub({ people: ADMINS })
  const page = await openForm(httpPort)
  await page.goto(`http://127.0.0.1:${httpPort}/api/docs`)
  await page.locator('.gate form').waitFor()
  expect(new URL(page.url()).pathname).toBe('/sign-in')
  await fillSignIn(page, 'anna')
  await page.waitForURL('**/api/docs')
  for (const to of ['//example.com/', 'https://example.com/', '/\\example.com', '/sign-in']) {
    await page.goto(`http://127.0.0.1:${httpPort}/sign-in?to=${encodeURIComponent(to)}`)
    await page.waitForURL(`http://127.0.0.1:${httpPort}/`)
    await page.locator('[data-link="online"]').waitFor()
  }
})

test('A viewer sees what the rules allow', async () => {
  const { hub, httpPort } = await startGuardedHub({
    people: { vera: 'viewer' },
    rules: [rule('allow receive', 'chat/#')],
  })
  await hub.publish('chat/lobby', 'shown')
  await hub.publish('secret/plan', 'hidden')
  const page = await openForm(httpPort)
  await signIn(page, 'vera')
  await page.locator('.message', { hasText: 'shown' }).waitFor()
  await page.locator('.line', { hasText: 'shown' }).waitFor()
  expect(await page.locator('.line', { hasText: 'hidden' }).count()).toBe(0)
})
