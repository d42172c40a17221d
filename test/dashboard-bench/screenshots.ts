// `npm run screenshots:dashboard`: pictures of the page with the simulated house, kept in dashboard/screenshots/.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { type Browser, chromium, type Page } from 'playwright-core'
import { HubProcess } from './hub-process.ts'

const FOLDER = fileURLToPath(new URL('../../dashboard/screenshots', import.meta.url))
const DEVICES = fileURLToPath(new URL('../devices/cli.js', import.meta.url))
const DESK = { width: 1280, height: 720 }
const WALL = { width: 1920, height: 1080 }
const PHONE = { width: 390, height: 844 }
/** So long the house lives before its picture is taken. */
const WARM_UP_MS = 15_000
const SETTLE_MS = 2500
const JPEG_QUALITY = 80

interface Scene {
  readonly name: string
  readonly place: string
  readonly size: { readonly width: number; readonly height: number }
  readonly colorScheme: 'light' | 'dark'
  readonly locale: 'en' | 'ru'
  readonly act?: (page: Page) => Promise<void>
}

const SCENES: readonly Scene[] = [
  { name: 'room', place: 'room/lobby', size: DESK, colorScheme: 'light', locale: 'en', act: chat },
  { name: 'room-dark', place: 'room/lobby', size: DESK, colorScheme: 'dark', locale: 'ru', act: chat },
  { name: 'trail', place: 'room/lobby', size: DESK, colorScheme: 'light', locale: 'ru', act: openTrail },
  { name: 'device', place: 'device/thermostat-living-room', size: WALL, colorScheme: 'light', locale: 'en' },
  { name: 'device-dark', place: 'device/meter-main', size: WALL, colorScheme: 'dark', locale: 'ru' },
  { name: 'command', place: 'device/lamp-desk', size: WALL, colorScheme: 'light', locale: 'en', act: runCommand },
  { name: 'message', place: 'device/washing-machine', size: WALL, colorScheme: 'dark', locale: 'en', act: openMessage },
  { name: 'search', place: 'device/washing-machine', size: DESK, colorScheme: 'light', locale: 'en', act: search },
  { name: 'overview', place: 'overview', size: WALL, colorScheme: 'light', locale: 'en' },
  { name: 'overview-dark', place: 'overview', size: DESK, colorScheme: 'dark', locale: 'ru' },
  { name: 'retained', place: 'retained', size: DESK, colorScheme: 'light', locale: 'ru' },
  { name: 'phone-list', place: '', size: PHONE, colorScheme: 'light', locale: 'en' },
  { name: 'phone-room', place: 'room/lobby', size: PHONE, colorScheme: 'dark', locale: 'ru', act: chat },
  { name: 'phone-device', place: 'device/thermostat-living-room', size: PHONE, colorScheme: 'light', locale: 'en' },
]

async function chat(page: Page): Promise<void> {
  await page.locator('.writing textarea').fill('Привет всем! 👋 Hello everybody.')
  await page.keyboard.press('Control+Enter')
  await page.locator('[data-tick="delivered"]').last().waitFor()
}

async function openTrail(page: Page): Promise<void> {
  await chat(page)
  await page.locator('[data-tick="delivered"]').last().click()
  await page.locator('.trail').waitFor()
}

async function runCommand(page: Page): Promise<void> {
  await page.locator('.details form button[type="submit"]').first().click()
  await page.locator('.reply').first().waitFor()
}

async function openMessage(page: Page): Promise<void> {
  await page.locator('.message .value').last().click()
  await page.locator('.payload-charted').last().click()
  await page.locator('.path-chart canvas').waitFor()
}

async function search(page: Page): Promise<void> {
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('/')
  await page.locator('.finder input').fill('shock')
  await page.locator('#hit-0').waitFor()
}

async function take(browser: Browser, hub: HubProcess, scene: Scene): Promise<void> {
  const { name, place, size, colorScheme, locale, act } = scene
  const page = await browser.newPage({ viewport: size, colorScheme, locale, reducedMotion: 'reduce' })
  await page.goto(`http://127.0.0.1:${hub.httpPort}/#/${place}`)
  await page.locator('[data-link="online"]').waitFor()
  await sleep(SETTLE_MS)
  await act?.(page)
  await sleep(SETTLE_MS)
  await page.screenshot({ path: `${FOLDER}/${name}.jpg`, type: 'jpeg', quality: JPEG_QUALITY })
  await page.close()
  console.log(`${name}.jpg`)
}

async function withHub(work: (hub: HubProcess) => Promise<void>): Promise<void> {
  const hub = new HubProcess()
  await hub.start()
  try {
    await work(hub)
  } finally {
    await hub.remove()
  }
}

async function talk(hub: HubProcess): Promise<() => Promise<void>> {
  const anna = await connectAsync(`mqtt://127.0.0.1:${hub.port}`, { protocolVersion: 5, clientId: 'anna' })
  await anna.subscribeAsync('chat/lobby', { qos: 1 })
  const says: readonly (readonly [from: string, text: string])[] = [
    ['Анна', 'Доброе утро! Кто включил лампу в холле?'],
    ['Boris', 'That was me. It is on a timer now.'],
    ['Анна', 'Спасибо 🙂'],
  ]
  for (const [from, text] of says) await anna.publishAsync('chat/lobby', JSON.stringify({ from, text }), { qos: 1 })
  return async () => {
    await anna.endAsync()
  }
}

mkdirSync(FOLDER, { recursive: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
  await withHub((hub) =>
    take(browser, hub, { name: 'first-minute', place: '', size: DESK, colorScheme: 'light', locale: 'en' }),
  )
  await withHub(async (hub) => {
    const urls = ['--url', `mqtt://127.0.0.1:${hub.port}`, '--ws-url', `ws://127.0.0.1:${hub.httpPort}/mqtt`]
    const devices = spawn(process.execPath, [DEVICES, ...urls, '--speed', '20'], { stdio: 'ignore' })
    const stopTalking = await talk(hub)
    await sleep(WARM_UP_MS)
    try {
      for (const scene of SCENES) await take(browser, hub, scene)
    } finally {
      await stopTalking()
      const ended = once(devices, 'exit')
      devices.kill('SIGINT')
      await ended
    }
  })
} finally {
  await browser.close()
}
