import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient } from './mqtt.ts'
import { openPage } from './open-page.ts'

/** Says some bytes to a port and waits until that is ended. */
async function say(port: number, bytes: string | Buffer): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => resolve())
    socket.resume()
    socket.write(bytes)
  })
}

test('An empty hub shows how to publish with its own addresses, waits, and says when the first message is there', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page, complaints } = await openPage(httpPort)
  await page.getByRole('heading', { name: 'Publish your first message' }).waitFor()
  for (const name of ['mosquitto_pub', 'Node (mqtt.js)', 'Python (paho)', 'Arduino (PubSubClient)']) {
    const code = page.getByRole('region', { name })
    await expect.poll(() => code.textContent()).toContain(String(port))
    expect(await code.textContent()).toContain('127.0.0.1')
  }
  await page.getByText('Waiting for the first message').waitFor()
  const client = await connectClient(port, 'shy')
  await page.getByText('shy is connected but has published nothing yet').waitFor()
  await client.publishAsync('hello', 'world')
  await page.getByText('First message received').waitFor()
  expect(complaints).toEqual([])
})

test('An empty hub names the mistakes that it sees: the wrong port, TLS, a broken rule', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { page } = await openPage(httpPort)
  await say(port, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: a browser with a long name, as they have\r\n\r\n')
  await page.locator('[data-mishap="http-on-mqtt"]', { hasText: 'use the port of this page' }).waitFor()
  await say(port, Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]))
  await page.locator('[data-mishap="tls-on-mqtt"]').waitFor()
  await say(httpPort, Buffer.from('\u0010\u000e\u0000\u0004MQTT\u0004\u0002\u0000\u003c\u0000\u0002ab', 'latin1'))
  await page.locator('[data-mishap="mqtt-on-http"]').waitFor()
})

test('Copy works on a page that came over plain HTTP from a name in the network', async () => {
  const { httpPort } = await startHubWithHttp()
  const { page, complaints } = await openPage(httpPort)
  await page.goto(`http://hub.internal:${httpPort}/`)
  await page.locator('[data-link="online"]').waitFor()
  expect(await page.evaluate('isSecureContext || navigator.clipboard !== undefined')).toBe(false)
  const code = page.getByRole('region', { name: 'Node (mqtt.js)' })
  const button = page.locator('.card', { has: code }).getByRole('button')
  await button.click()
  await expect.poll(() => button.textContent()).toBe('Copied')
  expect(await button.evaluate((one) => one.matches(':focus'))).toBe(true)
  await page.goto(`http://hub.internal:${httpPort}/#/room/lobby`)
  await page.getByRole('textbox', { name: 'Message' }).focus()
  await page.keyboard.press('Control+V')
  expect(await page.getByRole('textbox', { name: 'Message' }).inputValue()).toContain('import mqtt from')
  // The header is for TLS, and of no use here.
  expect(complaints.filter((line) => !line.startsWith('The Cross-Origin-Opener-Policy header'))).toEqual([])
})
