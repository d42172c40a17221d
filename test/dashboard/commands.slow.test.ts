import type { MqttClient } from 'mqtt'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

const SETPOINT = { type: 'number', title: 'Setpoint', unit: '°C', minimum: 5, maximum: 30, multipleOf: 0.5 }
const MODE = { enum: ['heat', 'cool'], title: 'Mode' }
const LOCK = { type: 'boolean', title: 'Lock' }

interface Heater {
  readonly client: MqttClient
  readonly page: Page
  /** What it was told, the oldest first. */
  readonly heard: string[]
}

/** A heater that announces its commands, and the page with its details open. */
async function openHeater(commands: object, said: Readonly<Record<string, object>> = {}): Promise<Heater> {
  const { port, httpPort } = await startHubWithHttp()
  const client = await connectClient(port, 'heater-1')
  const heard: string[] = []
  client.on('message', (_topic, payload) => heard.push(payload.toString()))
  await client.subscribeAsync('devices/heater-1/cmd/#', { qos: 1 })
  await retain(client, 'devices/heater-1/about', {
    id: 'heater-1',
    kind: 'heater',
    name: 'Heater',
    protocol: 5,
    commands,
  })
  for (const [channel, object] of Object.entries(said)) await say(client, channel, object)
  const { page } = await openPage(httpPort, '#/device/heater-1')
  await page.getByRole('button', { name: 'Details' }).click()
  return { client, page, heard }
}

async function say(client: MqttClient, channel: string, object: object): Promise<void> {
  const options = { qos: 1, retain: channel === 'state' } as const
  await client.publishAsync(`devices/heater-1/${channel}`, JSON.stringify(object), options)
}

function runOf(form: Locator): Locator {
  return form.getByRole('button', { name: 'Run' })
}

const SET = {
  set: {
    title: 'Set',
    parameters: {
      type: 'object',
      required: ['setpointCelsius'],
      properties: { setpointCelsius: SETPOINT, mode: MODE, isLocked: LOCK },
    },
  },
}

test('A command begins with what the device is set to, tells what it would change, and cannot be run before it does', async () => {
  const { client, page, heard } = await openHeater(SET, {
    // Longer than the feed tells.
    state: { note: 'n'.repeat(600), setpointCelsius: 21, mode: 'heat' },
    telemetry: { isLocked: true, temperatureCelsius: 19.5 },
  })
  const form = page.getByRole('form', { name: 'Set' })
  const setpoint = form.getByLabel('Setpoint, °C')
  await expect.poll(() => setpoint.inputValue()).toBe('21')
  expect(await form.getByLabel('Mode').inputValue()).toBe('"heat"')
  await expect.poll(() => form.getByLabel('Lock').isChecked()).toBe(true)
  expect(await runOf(form).isDisabled()).toBe(true)
  await form.getByText('Nothing changed yet').waitFor()
  await setpoint.press('Enter')
  await setpoint.fill('22.5')
  await form.getByText('21 → 22.5').waitFor()
  expect(await runOf(form).isDisabled()).toBe(false)
  await setpoint.fill('21.0')
  await expect.poll(() => runOf(form).isDisabled()).toBe(true)
  await setpoint.fill('22.5')
  await form.getByLabel('Lock').uncheck()
  await form.getByText('yes → no').waitFor()
  await runOf(form).click()
  await expect.poll(() => heard).toEqual(['{"setpointCelsius":22.5,"isLocked":false}'])
  // The device has it: there is nothing left to change.
  await say(client, 'state', { setpointCelsius: 22.5, mode: 'cool', isLocked: false })
  await expect.poll(() => runOf(form).isDisabled()).toBe(true)
  await expect.poll(() => form.getByLabel('Mode').inputValue()).toBe('"cool"')
  // Somebody else turns it down: what is shown goes along.
  await say(client, 'state', { setpointCelsius: 18, mode: 'cool', isLocked: false })
  await expect.poll(() => setpoint.inputValue()).toBe('18')
  expect(await runOf(form).isDisabled()).toBe(true)
})

test('What is being put in stays when the device says something new', async () => {
  const { client, page } = await openHeater(SET, { state: { setpointCelsius: 21, mode: 'heat' } })
  const form = page.getByRole('form', { name: 'Set' })
  const setpoint = form.getByLabel('Setpoint, °C')
  await expect.poll(() => setpoint.inputValue()).toBe('21')
  await setpoint.fill('24')
  await say(client, 'state', { setpointCelsius: 19, mode: 'cool' })
  await form.getByText('19 → 24').waitFor()
  expect(await setpoint.inputValue()).toBe('24')
  expect(await form.getByLabel('Mode').inputValue()).toBe('"cool"')
  // Emptied to write another: it is not filled again under one's hands.
  await setpoint.fill('')
  await say(client, 'state', { setpointCelsius: 19, mode: 'heat' })
  await expect.poll(() => form.getByLabel('Mode').inputValue()).toBe('"heat"')
  await setpoint.press('2')
  expect(await setpoint.inputValue()).toBe('2')
})

test('What a device is set to is known on when the hub cannot be asked about it', async () => {
  // Longer than what the list is told of a message.
  const note = 'x'.repeat(1000)
  const { client, page } = await openHeater(SET, { state: { setpointCelsius: 21, note } })
  const setpoint = page.getByRole('form', { name: 'Set' }).getByLabel('Setpoint, °C')
  await expect.poll(() => setpoint.inputValue()).toBe('21')
  await page.route(/api\/v1\/(?:retained|messages)\?/, (route) => route.abort())
  const failed = page.waitForEvent('requestfailed')
  await say(client, 'state', { setpointCelsius: 22, note })
  await failed
  // What was asked before this has failed, and is drawn.
  await page.evaluate(`fetch('api/v1/messages?').catch(() => undefined)`)
  await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
  expect(await setpoint.inputValue()).toBe('21')
  await page.unrouteAll()
  await say(client, 'state', { setpointCelsius: 23, note })
  await expect.poll(() => setpoint.inputValue()).toBe('23')
})

test('A device that does not say what it is set to: the last command does; what nobody knows has to be put in', async () => {
  const { client, page, heard } = await openHeater(SET)
  const form = page.getByRole('form', { name: 'Set' })
  const setpoint = form.getByLabel('Setpoint, °C')
  await setpoint.waitFor()
  expect(await setpoint.inputValue()).toBe('')
  expect(await runOf(form).isDisabled()).toBe(true)
  await form.getByText('Fill in the required fields').waitFor()
  await setpoint.fill('23')
  await runOf(form).click()
  await expect.poll(() => heard).toEqual(['{"setpointCelsius":23}'])
  await expect.poll(() => runOf(form).isDisabled()).toBe(true)
  const other = client
  await other.publishAsync('devices/heater-1/cmd/set', '{"setpointCelsius":17,"mode":"cool"}', { qos: 1 })
  await expect.poll(() => setpoint.inputValue()).toBe('17')
  expect(await form.getByLabel('Mode').inputValue()).toBe('"cool"')
})

test('A command of which nothing is known to be set can be run again and again', async () => {
  const seconds = { type: 'integer', title: 'Seconds', minimum: 1, default: 10 }
  const parameters = { type: 'object', required: ['seconds'], properties: { seconds } }
  const { page, heard } = await openHeater(
    { boost: { title: 'Boost', parameters }, blink: { title: 'Blink', parameters: {} } },
    { state: { setpointCelsius: 21 } },
  )
  for (const name of ['Boost', 'Blink', 'Boost']) await runOf(page.getByRole('form', { name })).click()
  await expect.poll(() => heard).toEqual(['{"seconds":10}', '{}', '{"seconds":10}'])
})
