import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { fillSignIn, PASSWORD, signIn, startPeopledHub } from './guarded.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

async function openAs(httpPort: number, user: string, place: string): Promise<Page> {
  const { page } = await openPage(httpPort, place, undefined, false)
  await signIn(page, user)
  return page
}

/** Adds somebody by the form, and returns the password that was made. */
async function addPerson(page: Page, name: string, role: string): Promise<string> {
  await page.getByRole('button', { name: 'Add a person' }).click()
  const form = page.getByRole('form', { name: 'Add a person' })
  await form.getByLabel('Name').fill(name)
  await form.locator('.segment', { hasText: role }).click()
  await form.getByLabel('Groups').fill('family, family,house ')
  await form.getByRole('button', { name: 'Make one' }).click()
  const password = await form.getByRole('textbox', { name: 'Password' }).inputValue()
  await form.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('region', { name, exact: true }).waitFor()
  return password
}

test('An admin adds a person, who signs in with the password that was made and may do what the role says', async () => {
  const { httpPort } = await startPeopledHub()
  const page = await openAs(httpPort, 'anna', '#/people')
  const password = await addPerson(page, 'boris', 'viewer')
  expect(password).toMatch(/^[a-z2-9]{4}(?:-[a-z2-9]{4}){3}$/)
  const row = page.locator('.users tr', { hasText: 'boris' })
  expect(await row.locator('td').allTextContents()).toEqual([
    'viewer',
    'family, house',
    'not since the hub started',
    '0',
  ])
  const { page: other } = await openPage(httpPort, '#/room/lobby', undefined, false)
  await other.locator('.gate form').waitFor()
  await fillSignIn(other, 'boris', 'wrong')
  await other.getByRole('alert').getByText('not right').waitFor()
  await fillSignIn(other, 'boris', password)
  await other.getByText('You are a viewer').waitFor()
  expect(await other.getByRole('link', { name: 'People and devices' }).count()).toBe(0)
  await other.goto(`http://127.0.0.1:${httpPort}/#/people`)
  await other.getByText('You are a viewer').waitFor({ state: 'detached' })
  expect(await other.locator('.users').count()).toBe(0)
})

test('Role, groups and password of a person are changed, and what they are signed in with ends', async () => {
  const { httpPort } = await startPeopledHub()
  const page = await openAs(httpPort, 'anna', '#/people')
  const password = await addPerson(page, 'boris', 'viewer')
  const { page: other } = await openPage(httpPort, '#/room/lobby', undefined, false)
  await other.locator('.gate form').waitFor()
  await fillSignIn(other, 'boris', password)
  await other.getByText('You are a viewer').waitFor()
  const card = page.getByRole('region', { name: 'boris', exact: true })
  await card.locator('.segment', { hasText: 'operator' }).click()
  await other.locator('.gate form').waitFor()
  await page.locator('.users tr', { hasText: 'boris' }).getByText('operator').waitFor()
  await card.getByLabel('Groups').fill('family')
  await card.getByRole('button', { name: 'Save' }).click()
  await page.locator('.users tr', { hasText: 'boris' }).getByText('family', { exact: true }).waitFor()
  await card.getByRole('textbox', { name: 'New password' }).fill('short')
  await card.getByRole('button', { name: 'Set the password' }).click()
  await card.getByRole('textbox', { name: 'New password' }).fill('battery staple')
  await card.getByRole('button', { name: 'Set the password' }).click()
  await card.getByText('The password is set').waitFor()
  await fillSignIn(other, 'boris', 'battery staple')
  await other.locator('.gate').waitFor({ state: 'detached' })
})

test('The last admin can neither be removed nor become less, and is told why', async () => {
  const { httpPort } = await startPeopledHub()
  const page = await openAs(httpPort, 'anna', '#/people')
  await addPerson(page, 'boris', 'viewer')
  await page.locator('.users').getByRole('button', { name: 'anna' }).click()
  const card = page.getByRole('region', { name: 'anna', exact: true })
  await card.locator('.segment', { hasText: 'viewer' }).click()
  await card.getByText('this is the last one').waitFor()
  await expect.poll(() => card.getByRole('radio', { name: 'admin' }).isChecked()).toBe(true)
  await card.getByRole('button', { name: 'Remove' }).click()
  await card.getByText('Remove anna?').waitFor()
  await card.getByRole('button', { name: 'Remove' }).click()
  await card.getByText('this is the last one').waitFor()
})

test('One changes the own password only with the one before, and stays signed in', async () => {
  const { httpPort } = await startPeopledHub()
  const page = await openAs(httpPort, 'anna', '#/people')
  await page.locator('.users').getByRole('button', { name: 'anna' }).click()
  const card = page.getByRole('region', { name: 'anna', exact: true })
  await card.getByRole('textbox', { name: 'New password' }).fill('battery staple')
  await card.getByLabel('Your password now').fill('wrong')
  await card.getByRole('button', { name: 'Set the password' }).click()
  await card.locator('.new-password .fault').waitFor()
  await card.getByLabel('Your password now').fill(PASSWORD)
  await card.getByRole('button', { name: 'Set the password' }).click()
  await card.getByText('The password is set').waitFor()
  await page.reload()
  await page.locator('[data-link="online"]').waitFor()
  expect(await page.locator('.gate').count()).toBe(0)
})

test('A device gets a new secret, shown once, and is removed after a question; its connection ends with either', async () => {
  const { port, httpPort } = await startPeopledHub({
    access: { rules: [{ allow: ['publish', 'receive'], topics: '#', for: 'users' }] },
  })
  const page = await openAs(httpPort, 'anna', '#/people')
  const secret: string = await page.evaluate(`fetch('api/v1/users', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Hubbub': '1' },
    body: JSON.stringify({ name: 'lamp', credential: 'secret' }),
  }).then((answer) => answer.json()).then(({ secret }) => secret)`)
  const lamp = await connectClient(port, 'lamp', { username: 'lamp', password: secret, reconnectPeriod: 0 })
  const closed = new Promise<void>((resolve) => lamp.once('close', () => resolve()))
  await page.reload()
  await page.locator('.segment', { hasText: 'Devices' }).click()
  await page.locator('.users').getByRole('button', { name: 'lamp' }).click()
  const card = page.getByRole('region', { name: 'lamp', exact: true })
  await card.getByRole('button', { name: 'New secret' }).click()
  const fresh = await card.locator('.ask code').textContent()
  await closed
  const again = await connectClient(port, 'lamp', { username: 'lamp', password: fresh ?? '', reconnectPeriod: 0 })
  const closedAgain = new Promise<void>((resolve) => again.once('close', () => resolve()))
  await card.getByRole('button', { name: 'Remove' }).click()
  await card.getByText('Remove lamp?').waitFor()
  await card.getByRole('button', { name: 'Remove' }).click()
  await closedAgain
  await page.getByText('No device is found').waitFor()
})

test('Without users there is no word of people', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page, complaints } = await openPage(httpPort, '#/people')
  await page.getByRole('heading', { name: 'Publish your first message' }).waitFor()
  expect(await page.getByText('People and devices').count()).toBe(0)
  expect(complaints).toEqual([])
})
