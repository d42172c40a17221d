import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

const BRIGHTNESS = { type: 'integer', title: 'Brightness', unit: '%', minimum: 1, maximum: 100 }

const ABOUT = {
  id: 'lamp-1',
  kind: 'lamp',
  name: 'Lamp in the hall',
  protocol: 5,
  telemetry: {
    contentType: 'application/json',
    qos: 0,
    schema: { type: 'object', properties: { powerWatts: { type: 'number', title: 'Power', unit: 'W' } } },
  },
  commands: {
    set: {
      title: 'Switch',
      parameters: {
        type: 'object',
        required: ['brightnessPercent'],
        properties: {
          brightnessPercent: BRIGHTNESS,
          isOn: { type: 'boolean', title: 'On' },
          mode: { enum: ['day', 'night'], title: 'Mode' },
          warmth: { type: 'number', title: 'Warmth', minimum: 0, maximum: 1, multipleOf: 0.1, default: 0.5 },
        },
      },
      result: {},
    },
  },
}

test('The dot is the session, the ring is what the device says on the topic of its will: they are two signals', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort)
  const will = { topic: 'hall/alive', payload: Buffer.from('no more'), qos: 1 as const, retain: true }
  const sensor = await connectClient(port, 'sensor-7', {
    will,
    clean: false,
    properties: { sessionExpiryInterval: 600 },
  })
  const avatar = page.locator('.line[data-id="device/sensor-7"] .avatar')
  await avatar.locator('.dot[data-state="here"]').waitFor()
  expect(await avatar.getAttribute('data-ring')).toBe(null)
  await retain(sensor, 'hall/alive', 'well and offline of mind')
  await page.locator('.line[data-id="device/sensor-7"] .avatar[data-ring="online"]').waitFor()
  sensor.stream.destroy()
  await page.locator('.line[data-id="device/sensor-7"] .avatar[data-ring="offline"]').waitFor()
  sensor.end(true)
  await avatar.locator('.dot[data-state="away"]').waitFor()
})

test('Who went while the hub was asked who is here is not here', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const sensor = await connectClient(port, 'sensor-7', {
    clean: false,
    properties: { sessionExpiryInterval: 600 },
  })
  await sensor.publishAsync('devices/sensor-7/state', 'on', { qos: 1 })
  const held: (() => void)[] = []
  const { page } = await openPage(httpPort, '#/device/sensor-7', async (one) => {
    await one.route(/api\/v1\/clients\?/, async (route) => {
      const response = await route.fetch()
      await new Promise<void>((resolve) => held.push(resolve))
      await route.fulfill({ response })
    })
  })
  await page.locator('.line[data-id="device/sensor-7"]').waitFor()
  await expect.poll(() => held.length).toBe(1)
  await sensor.endAsync()
  const dot = page.locator('.head .dot')
  await page.locator('.head .dot[data-state="away"]').waitFor()
  // What is asked next.
  const taken = page.waitForResponse(/api\/v1\/retained\?filter=devices%2F%2B%2Fstatus/)
  for (const goOn of held) goOn()
  await taken
  await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))`)
  expect(await dot.getAttribute('data-state')).toBe('away')
})

test('A device that says asleep on its status is asleep; words that are none of the three say nothing', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const gateway = await connectClient(port, 'gateway')
  await retain(gateway, 'devices/door-1/status', 'asleep')
  await retain(gateway, 'devices/door-2/status', 'disconnected soon, online still')
  const { page } = await openPage(httpPort)
  await page.locator('.line[data-id="device/door-1"] .avatar[data-ring="asleep"]').waitFor()
  const other = page.locator('.line[data-id="device/door-2"] .avatar')
  // Its session is the client that publishes for it, which is no contact of its own.
  await other.locator('.dot[data-state="here"]').waitFor()
  expect(await other.getAttribute('data-ring')).toBe(null)
  expect(await page.locator('.line[data-id="device/gateway"]').count()).toBe(0)
})

test('Contacts of devices are there after a restart of the page, by what is retained and by who is connected', async () => {
  const { hub, port, httpPort } = await startHubWithHttp()
  await connectClient(port, 'anna')
  await hub.publish('devices/lamp-9/status', 'offline', { retain: true })
  const { page } = await openPage(httpPort)
  await page.locator('.line[data-id="device/anna"] .dot[data-state="here"]').waitFor()
  await page.locator('.line[data-id="device/lamp-9"] .avatar[data-ring="offline"]').waitFor()
})

test('The form of a command has titles, units, bounds and what may be left out, by the schema that the device announced', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  await lamp.subscribeAsync('devices/lamp-1/cmd/+', { qos: 1 })
  await retain(lamp, 'devices/lamp-1/about', ABOUT)
  const received: string[] = []
  lamp.on('message', (_topic, payload, { properties = {} }) => {
    received.push(payload.toString())
    const { responseTopic = '', correlationData = Buffer.alloc(0) } = properties
    lamp.publish(responseTopic, '{"ok":true,"result":{}}', { qos: 1, properties: { correlationData } })
  })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details').getByText('Lamp in the hall').waitFor()
  const form = page.getByRole('form', { name: 'Switch' })
  const brightness = form.getByLabel('Brightness, %')
  await brightness.fill('101')
  await form.getByRole('button', { name: 'Run' }).click()
  await form.locator('input:invalid').waitFor()
  await brightness.fill('70')
  await form.getByLabel('Mode').selectOption('night')
  expect(await form.getByLabel('Warmth').getAttribute('step')).toBe('0.1')
  await form.getByRole('button', { name: 'Run' }).click()
  await page.locator('[data-tick="answered"]').waitFor()
  expect(received).toEqual(['{"brightnessPercent":70,"mode":"night","warmth":0.5}'])
})

test('A device of MQTT 3.1.1 gets in the JSON where to reply, and its reply is shown with the latency', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'old-lamp', { protocolVersion: 4 })
  await lamp.subscribeAsync('devices/old-lamp/cmd/+', { qos: 1 })
  const commands = { blink: { title: 'Blink', parameters: { type: 'object', properties: {} }, result: {} } }
  await retain(lamp, 'devices/old-lamp/about', { ...ABOUT, id: 'old-lamp', protocol: 4, commands })
  lamp.on('message', (_topic, payload) => {
    const { responseTopic, correlationData }: { responseTopic: string; correlationData: string } = JSON.parse(
      payload.toString(),
    )
    lamp.publish(responseTopic, JSON.stringify({ ok: true, result: 'blinked', correlationData }), { qos: 1 })
  })
  const { page } = await openPage(httpPort, '#/device/old-lamp')
  await page.getByRole('button', { name: 'Details' }).click()
  await page.getByRole('form', { name: 'Blink' }).getByRole('button', { name: 'Run' }).click()
  await page.locator('[data-tick="answered"]').waitFor()
  await page
    .getByText(/blinked.*\sms/)
    .first()
    .waitFor()
})

test('The last values have the title and unit that were announced, digits as they were sent, and a small chart', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  await retain(lamp, 'devices/lamp-1/about', ABOUT)
  for (const watts of ['3.50', '4.10', '9.00']) {
    await lamp.publishAsync('devices/lamp-1/telemetry', `{"powerWatts":${watts}}`, { qos: 1 })
  }
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.getByRole('button', { name: 'Details' }).click()
  const value = page.locator('.details .value-line', { hasText: 'Power' })
  await value.getByText('9.00').waitFor()
  expect(await value.locator('.values-value').textContent()).toBe('9.00 W')
  await lamp.publishAsync('devices/lamp-1/telemetry', '{"powerWatts":2.25}', { qos: 1 })
  await value.getByText('2.25').waitFor()
  await value.getByRole('img', { name: 'Power: from 2.25 to' }).waitFor()
})

test('"Why did it not arrive?" says in words what became of the last messages for this client', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const kept = { clean: false, properties: { sessionExpiryInterval: 600 } }
  const lamp = await connectClient(port, 'lamp-1', kept)
  await lamp.subscribeAsync('devices/lamp-1/cmd/#', { qos: 1 })
  await lamp.endAsync()
  const anna = await connectClient(port, 'anna')
  await anna.publishAsync('devices/lamp-1/cmd/set', 'x', { qos: 0 })
  await anna.publishAsync('devices/lamp-1/cmd/set', 'y', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1')
  await page.getByRole('button', { name: 'Details' }).click()
  const why = page.locator('.details section', { hasText: 'Why did it not arrive?' })
  await why.getByLabel('Topic').fill('devices/lamp-1/cmd/set')
  await why.getByRole('button', { name: 'Explain' }).click()
  await why.getByText('lamp-1 is offline; at QoS 1 and 2 its messages wait in its session.').waitFor()
  await why.getByText('It is subscribed to this through devices/lamp-1/cmd/# at QoS 1.').waitFor()
  await why.getByText('queued').waitFor()
  await why.getByText('dropped: Client offline (QoS 0)').waitFor()
  await why.getByLabel('Topic').fill('devices/lamp-2/cmd/set')
  await why.getByRole('button', { name: 'Explain' }).click()
  await why.getByText(/None of its subscriptions matches. The nearest is devices\/lamp-1\/cmd\/#:/).waitFor()
})

test('"Why did it not arrive?" proposes what others say to the device, and answers in one language', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const lamp = await connectClient(port, 'lamp-1')
  await lamp.subscribeAsync('devices/lamp-1/Cmd/#', { qos: 1 })
  await lamp.publishAsync('devices/lamp-1/alarm', 'x', { qos: 1 })
  const anna = await connectClient(port, 'anna')
  await anna.publishAsync('devices/lamp-1/cmd/set', 'y', { qos: 1 })
  const { page } = await openPage(httpPort, '#/device/lamp-1', async (one) => {
    await one.addInitScript(`localStorage.setItem('hubbub.language', 'ru')`)
  })
  await page.getByRole('button', { name: 'Подробности' }).click()
  const why = page.locator('.details section', { has: page.locator('.why') })
  const field = why.getByRole('combobox')
  await expect.poll(() => field.inputValue()).toBe('devices/lamp-1/cmd/set')
  await why.getByRole('button').click()
  const answer = why.locator('.why-sentences')
  await answer.getByText('уровень 3 в нём «Cmd», а в топике «cmd»: различается регистр букв').waitFor()
  const sentences = (await answer.innerText()).replaceAll(/«[^»]*»|devices\/\S+|lamp-1|QoS/g, '')
  expect(sentences).not.toMatch(/[a-z]/i)
  await field.fill('devices/+/cmd')
  await why.getByRole('button').click()
  await why.getByText('Топик одного сообщения, без + и #').waitFor()
})
