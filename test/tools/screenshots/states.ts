import type { Page } from 'playwright-core'
import type { World, WorldName } from './worlds.ts'

/** A state of the page that is worth a picture. */
export interface State {
  readonly world: WorldName
  readonly place: string
  /** What a person does until it is there. */
  readonly prepare: (page: Page, world: World) => Promise<void>
}

const ROOM = '#/room/lobby'
const LAMP = '#/device/lamp-desk'
/** Long enough for charts to have a shape. */
const CHART_POINTS = 8

export const STATES: Readonly<Record<string, State>> = {
  'first-minute': { world: 'empty', place: '', prepare: (page) => page.locator('.ways').waitFor() },
  room: { world: 'house', place: ROOM, prepare: sayHello },
  trail: {
    world: 'house',
    place: ROOM,
    async prepare(page) {
      await sayHello(page)
      await page.locator('[data-tick="delivered"]').last().click()
      await page.locator('.trail').waitFor()
    },
  },
  message: {
    world: 'house',
    place: ROOM,
    async prepare(page) {
      await sayHello(page)
      await page.locator('.message .value').nth(1).click()
      await showDetails(page)
      await page.locator('.payload-row').first().waitFor()
    },
  },
  device: {
    world: 'house',
    place: LAMP,
    async prepare(page) {
      await page.locator('.message').first().waitFor()
      await showDetails(page)
      await page.locator('.command').first().waitFor()
      await run(page)
    },
  },
  channel: {
    world: 'house',
    place: `#/channel/${encodeURIComponent('devices/+/telemetry')}`,
    prepare: (page) => page.locator('.message').nth(CHART_POINTS).waitFor(),
  },
  overview: {
    world: 'house',
    place: '#/overview',
    async prepare(page) {
      await page.locator('.card canvas').first().waitFor()
      await page.waitForTimeout(CHART_POINTS * 1000)
    },
  },
  retained: {
    world: 'house',
    place: '#/retained',
    prepare: (page) => page.locator('.rows tbody tr').nth(5).waitFor(),
  },
  jump: {
    world: 'house',
    place: ROOM,
    async prepare(page) {
      await sayHello(page)
      await page.keyboard.press('Control+k')
      await page.locator('.jump-input').fill('la')
    },
  },
  settings: {
    world: 'house',
    place: ROOM,
    async prepare(page) {
      await sayHello(page)
      await page.evaluate(`location.hash = '#/'`)
      await page.locator('.sidebar header .icon-button').last().click()
      await page.locator('dialog[open]').waitFor()
    },
  },
  bubbles: {
    world: 'house',
    place: ROOM,
    async prepare(page) {
      await page.evaluate(`localStorage.setItem('hubbub.messageStyle', 'bubbles')`)
      await page.reload()
      await sayHello(page)
    },
  },
  many: {
    world: 'many',
    place: `#/room/${encodeURIComponent('gebäude-b/stock-0/flur-west/temperaturfühler-außenwand-9')}`,
    async prepare(page) {
      await page.locator('.message').first().waitFor()
    },
  },
  list: {
    world: 'house',
    place: '',
    async prepare(page) {
      await page.locator('.line').nth(3).waitFor()
    },
  },
  offline: {
    world: 'people',
    place: ROOM,
    async prepare(page, { hub }) {
      await sayHello(page)
      await hub.end('SIGKILL')
      await page.locator('.banner').waitFor()
      await write(
        page,
        (await languageOf(page)) === 'ru'
          ? 'Это уйдёт, как только вернётся хаб'
          : 'This goes as soon as the hub is back',
      )
      await page.locator('[data-tick="waiting"]').waitFor()
    },
  },
}

/** Somebody answers what this page says. */
async function sayHello(page: Page): Promise<void> {
  await page.locator('.message').nth(3).waitFor()
  await write(page, (await languageOf(page)) === 'ru' ? 'Спасибо, уже иду!' : 'Thanks, I am on my way!')
  await page.locator('[data-tick="delivered"]').last().waitFor()
}

function languageOf(page: Page): Promise<string> {
  return page.evaluate('document.documentElement.lang')
}

async function write(page: Page, text: string): Promise<void> {
  await page.locator('.writing textarea').fill(text)
  await page.locator('.writing textarea').press('Control+Enter')
}

async function showDetails(page: Page): Promise<void> {
  if ((await page.locator('.details').count()) === 0) await page.locator('.head .icon-button').last().click()
  await page.locator('.details').waitFor()
}

async function run(page: Page): Promise<void> {
  await page.locator('.command').first().getByRole('spinbutton').fill('60')
  await page.locator('.command button[type="submit"]').first().click()
  await page.locator('[data-tick="answered"]').waitFor()
}
