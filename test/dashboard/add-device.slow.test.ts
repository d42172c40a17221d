import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { signIn, startPeopledHub } from './guarded.ts'
import { openPage } from './open-page.ts'

const run = promisify(execFile)

/** Adds a device by the page, and returns what it can paste. */
async function addDevice(page: Page, name: string): Promise<string> {
  await signIn(page, 'anna')
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.locator('.qr').waitFor()
  await page.getByRole('heading', { name: 'Waiting for its first message' }).waitFor()
  return (await page.getByRole('region', { name: 'mosquitto_pub' }).textContent()) ?? ''
}

test('A device that is added gets ready code, which works as it stands, and its first message is told', async () => {
  const { httpPort } = await startPeopledHub()
  const { page } = await openPage(httpPort, '#/add-device', undefined, false)
  const code = await addDevice(page, "lamp's 1")
  await run('sh', ['-c', code])
  await page.getByRole('heading', { name: "First message received: devices/lamp's 1/hello" }).waitFor()
  await page.getByText('It signed in').waitFor()
  await page.getByRole('radio', { name: 'Node (mqtt.js)' }).check()
  const script = (await page.getByRole('region', { name: 'Node (mqtt.js)' }).textContent()) ?? ''
  await run(process.execPath, ['--input-type=module', '--eval', script.replace("'on'", "'from node'")])
  await page.getByRole('link', { name: 'Open its conversation' }).click()
  await page.locator('.message', { hasText: 'from node' }).waitFor()
})

test('A wrong secret and a topic that is not its own are named', async () => {
  const { httpPort } = await startPeopledHub()
  const { page } = await openPage(httpPort, '#/add-device', undefined, false)
  const code = await addDevice(page, 'lamp')
  await expect(run('sh', ['-c', code.replace(/-P \w+/, '-P wrong')])).rejects.toThrow()
  await page.getByText('The secret was wrong: 1, last from 127.0.0.1').waitFor()
  await run('sh', ['-c', code.replace('devices/lamp/', 'devices/other/')])
  await page.locator('[data-mishap="not-allowed"]', { hasText: 'no access rule allows it' }).waitFor()
  await run('sh', ['-c', code])
  await page.getByRole('heading', { name: 'First message received' }).waitFor()
})
