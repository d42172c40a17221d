import { expect, test } from 'vitest'
import { accessOf, rule } from '../support/gate.ts'
import { signIn, startGuardedHub } from './guarded.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

const RULES = [
  rule('deny publish', 'plant/alarm'),
  rule('allow publish', 'plant/plain', undefined, { maxQos: 0, mayRetain: false }),
  rule('allow both', 'plant/#'),
  rule('allow receive', 'chat/#'),
  rule('allow receive', 'devices/#'),
]

async function open(httpPort: number, user: string, place: string) {
  const { page } = await openPage(httpPort, place, undefined, false)
  await signIn(page, user)
  return page
}

test('Who may not publish to a topic is told so before they write, with the rule and its place, and cannot send', async () => {
  const { httpPort } = await startGuardedHub({ people: { otto: 'operator' }, rules: RULES })
  const page = await open(httpPort, 'otto', '#/channel/plant%2F%23')
  const topic = page.getByLabel('Topic', { exact: true })
  const send = page.getByRole('button', { name: 'Send' })
  await topic.fill('plant/alarm')
  await page.getByText('You may not publish here: rules:1 denies it (deny publish plant/alarm)').waitFor()
  await page.locator('.writing textarea').fill('x')
  expect(await send.isDisabled()).toBe(true)
  await topic.fill('elsewhere')
  await page.getByText('You may not publish here: no access rule allows it').waitFor()
  await topic.fill('plant/line')
  await expect.poll(() => send.isDisabled()).toBe(false)
  expect(await page.getByRole('radio', { name: 'QoS 2' }).isDisabled()).toBe(false)
  await page.getByRole('radio', { name: 'QoS 2' }).check()
  await page.getByRole('button', { name: 'Retain', exact: true }).click()
  await topic.fill('plant/plain')
  await expect.poll(() => page.getByRole('radio', { name: 'QoS 1' }).isDisabled()).toBe(true)
  expect(await page.getByRole('radio', { name: 'QoS 0' }).isChecked()).toBe(true)
  expect(await page.getByRole('button', { name: 'Retain', exact: true }).isDisabled()).toBe(true)
  expect(await page.getByRole('button', { name: 'Retain', exact: true }).getAttribute('aria-pressed')).toBe('false')
  await page.locator('.writing textarea').press('Control+Enter')
  await page.locator('.message', { hasText: 'x' }).locator('[data-tick="written"]').waitFor()
})

test('A rule that changes is known to the page at once', async () => {
  const { gate, users, httpPort } = await startGuardedHub({ people: { otto: 'operator' }, rules: RULES })
  const page = await open(httpPort, 'otto', '#/room/lobby')
  await page.getByText('no access rule allows it').waitFor()
  gate.change(users, accessOf([rule('allow both', '#')]))
  await page.getByText('no access rule allows it').waitFor({ state: 'detached' })
})

test('A viewer has no composer, no commands and nothing to delete by, and is told why', async () => {
  const { hub, port, httpPort, users } = await startGuardedHub({ people: { vera: 'viewer' }, rules: RULES })
  const { secret = '' } = await users.changes.add('plant', 'secret')
  const plant = await connectClient(port, 'plant', { username: 'plant', password: secret })
  await plant.publishAsync('plant/line', 'on', { qos: 1, retain: true })
  const commands = { set: { title: 'Switch', parameters: { properties: { isOn: { type: 'boolean' } } }, result: {} } }
  const about = JSON.stringify({ id: 'lamp-1', kind: 'lamp', name: 'Lamp', protocol: 5, telemetry: {}, commands })
  await hub.publish('devices/lamp-1/about', about, { retain: true })
  const page = await open(httpPort, 'vera', '#/device/lamp-1')
  await page.getByText('You are a viewer').waitFor()
  expect(await page.locator('.writing').count()).toBe(0)
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details', { hasText: 'Lamp' }).waitFor()
  expect(await page.getByRole('button', { name: 'Run' }).count()).toBe(0)
  await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
  await page.getByText('plant/line').waitFor()
  expect(await page.getByRole('button', { name: /^Delete/ }).count()).toBe(0)
})

test('A conversation whose filter the rules do not grant says that nothing new shows there', async () => {
  const { httpPort } = await startGuardedHub({ people: { vera: 'viewer' }, rules: RULES })
  const page = await open(httpPort, 'vera', '#/channel/secret%2F%23')
  await page.getByText('The access rules do not let you receive all of this').waitFor()
  await page.goto(`http://127.0.0.1:${httpPort}/#/room/lobby`)
  await page.getByText('The access rules do not let you').waitFor({ state: 'detached' })
})
