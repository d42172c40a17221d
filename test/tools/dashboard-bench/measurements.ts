import { readdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { type Figure, ms, quantile } from './figures.ts'
import type { HubProcess } from './hub-process.ts'
import { Load } from './load.ts'

/** What every measurement has at hand. */
export interface Bench {
  readonly hub: HubProcess
  readonly browser: Browser
  /** How long a load lasts. */
  readonly seconds: number
  readonly topics: number
  readonly messages: number
  /** How long the hub is away. */
  readonly awaySeconds: number
}

export type Measurement = (bench: Bench) => Promise<readonly Figure[]>

const DASHBOARD = fileURLToPath(new URL('../../../../dashboard', import.meta.url))
const SETTLE_MS = 1500
const MAX_ROWS = 80

/** The page at a place, connected. */
async function open({ browser, hub }: Bench, place: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 }, locale: 'en' })
  await page.goto(`http://127.0.0.1:${hub.httpPort}/${place}`)
  await page.locator('[data-link="online"]').waitFor()
  return page
}

/** Waits, a frame at a time, until an expression is true in the page; its policy forbids what Playwright has for that. */
async function untilSo(page: Page, expression: string): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const look = () => ((${expression}) ? resolve() : requestAnimationFrame(look))
    look()
  })`)
}

function loadMessage(index: number): { topic: string; payload: string } {
  return { topic: `load/line-${index % 20}`, payload: `{"count":${index},"value":${(index * 7) % 1000}}` }
}

/** Frame times while messages come into an open conversation. */
async function frames(bench: Bench, perSecond: number): Promise<{ frames: number[]; rate: number; page: Page }> {
  const page = await open(bench, '#/channel/load%2F%23')
  const load = await Load.start(bench.hub.port, perSecond, loadMessage)
  await page.locator('.message').first().waitFor()
  await sleep(SETTLE_MS)
  const times: number[] = await page.evaluate(`new Promise((resolve) => {
    const times = []
    const end = performance.now() + ${bench.seconds * 1000}
    let before
    const frame = (now) => {
      if (before !== undefined) times.push(now - before)
      before = now
      if (now < end) requestAnimationFrame(frame)
      else resolve(times)
    }
    requestAnimationFrame(frame)
  })`)
  const rate = load.perSecond
  await load.stop()
  return { frames: times, rate, page }
}

export const conversation: Measurement = async (bench) => {
  const figures: Figure[] = []
  for (const [perSecond, limitMs, must, aim] of [
    [2000, 20, 'p95 frame ≤ 20 ms', ''],
    [10_000, 16.8, '', 'p95 frame ≤ 16.7 ms'],
  ] as const) {
    const { frames: times, rate, page } = await frames(bench, perSecond)
    const p95 = quantile(times, 0.95)
    figures.push({
      what: `${perSecond} messages/s into one open conversation, ${bench.seconds} s`,
      must,
      aim,
      measured: `p95 ${ms(p95)}, median ${ms(quantile(times, 0.5))}, longest ${ms(Math.max(...times))} (${Math.round(rate)}/s came)`,
      isMet: p95 <= limitMs,
    })
    await page.close()
  }
  return figures
}

export const list: Measurement = async (bench) => {
  const { hub, topics } = bench
  const client = await connectAsync(`mqtt://127.0.0.1:${hub.port}`)
  for (let index = 0; index < topics; index++) {
    const [topic, payload] = [`devices/meter-${index}/telemetry`, `{"watts":${index}}`]
    // An acknowledgement now and then keeps the hub's input short.
    if (index % 500 === 499) await client.publishAsync(topic, payload, { qos: 1 })
    else client.publish(topic, payload)
  }
  await client.endAsync()
  const load = await Load.start(hub.port, 5000, (index) => ({
    topic: `devices/meter-${(index * 7919) % topics}/telemetry`,
    payload: `{"watts":${index}}`,
  }))
  const page = await open(bench, '')
  await page.locator('.line[data-id="device/meter-0"]').waitFor()
  const [paint, listed]: [number, number] = await page.evaluate(
    `[performance.getEntriesByName('first-contentful-paint')[0].startTime, performance.now()]`,
  )
  const lines = await page.locator('.line').count()
  await load.stop()
  await page.close()
  return [
    {
      what: `${topics} topics in the list, 5,000 of them changing a second`,
      must: 'first paint ≤ 1.5 s',
      aim: '1,000,000 topics',
      measured: `first paint ${ms(paint)}, list there after ${ms(listed)}, ${lines} lines in the page`,
      isMet: paint <= 1500,
    },
  ]
}

export const history: Measurement = async (bench) => {
  const { hub, messages } = bench
  const fromMs = Date.now() - 3_600_000
  for (let start = 0; start < messages; start += 50_000) {
    const lines = Array.from({ length: Math.min(50_000, messages - start) }, (_, offset) => {
      const index = start + offset
      const payload = index === Math.floor(messages / 2) ? 'needle in the hay' : `straw ${index}`
      return JSON.stringify({
        time: new Date(fromMs + Math.floor((index * 3_000_000) / messages)).toISOString(),
        topic: 'chat/hay',
        payload,
        qos: 1,
        retain: false,
        publisher: 'farm',
      })
    })
    const answer = await fetch(`http://127.0.0.1:${hub.httpPort}/api/v1/history/import`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson' },
      body: `${lines.join('\n')}\n`,
    })
    if (!answer.ok) throw new Error(`cannot import: ${await answer.text()}`)
  }
  const page = await open(bench, '#/room/hay')
  await page.locator('.message').first().waitFor()
  await page.locator('.stream .scroller').focus()
  await page.keyboard.press('/')
  await page.locator('.finder input').fill('needle')
  await page.locator('#hit-0').waitFor()
  await page.evaluate(`addEventListener('keydown', () => {
    const begun = performance.now()
    const look = () => {
      if ([...document.querySelectorAll('.message .value')].some((value) => value.textContent === 'needle in the hay')) {
        globalThis.jumped = performance.now() - begun
      } else requestAnimationFrame(look)
    }
    look()
  }, { once: true, capture: true })`)
  await page.keyboard.press('Enter')
  await untilSo(page, 'globalThis.jumped !== undefined')
  const jumped: number = await page.evaluate('globalThis.jumped')
  const rows = await page.locator('.message').count()
  await page.close()
  return [
    {
      what: `a conversation with ${messages} messages of history`,
      must: '≤ 80 rows in the page, jump ≤ 150 ms',
      aim: '10,000,000',
      measured: `${rows} rows, jump ${ms(jumped)}`,
      isMet: rows <= MAX_ROWS && jumped <= 150,
    },
  ]
}

const PAINTS = 100

export const painted: Measurement = async (bench) => {
  const writer = await open(bench, '#/room/lobby')
  const reader = await open(bench, '#/room/lobby')
  const load = await Load.start(bench.hub.port, 1000, loadMessage)
  await reader.evaluate(`globalThis.painted = new Map()
    const log = document.querySelector('.stream')
    new MutationObserver(() => requestAnimationFrame(() => {
      const now = performance.timeOrigin + performance.now()
      for (const value of log.querySelectorAll('.message .value')) {
        if (!painted.has(value.textContent)) painted.set(value.textContent, now)
      }
    })).observe(log, { subtree: true, childList: true, characterData: true })`)
  await writer.evaluate(`globalThis.sent = []
    addEventListener('keydown', ({ key }) => {
      if (key === 'Enter') sent.push(performance.timeOrigin + performance.now())
    }, { capture: true })`)
  const box = writer.getByRole('textbox', { name: 'Message' })
  for (let index = 0; index < PAINTS; index++) {
    await box.fill(`paint ${index}`)
    await box.press('Enter')
    await untilSo(reader, `painted.has('paint ${index}')`)
  }
  const sent: number[] = await writer.evaluate('sent')
  const shown: number[] = await reader.evaluate(
    `Array.from({ length: ${PAINTS} }, (_, index) => painted.get('paint ' + index))`,
  )
  await load.stop()
  await writer.close()
  await reader.close()
  const latencies = shown.map((atMs, index) => atMs - (sent[index] ?? Number.NaN))
  const [p50, p99] = [quantile(latencies, 0.5), quantile(latencies, 0.99)]
  return [
    {
      what: 'publish to painted in another tab, 1,000 msg/s around it',
      must: 'p50 ≤ 50 ms, p99 ≤ 150 ms',
      aim: 'p99 ≤ 80 ms',
      measured: `p50 ${ms(p50)}, p99 ${ms(p99)} (${PAINTS} messages)`,
      isMet: p50 <= 50 && p99 <= 150,
    },
  ]
}

export const drift: Measurement = async (bench) => {
  const page = await open(bench, '#/channel/load%2F%23')
  const load = await Load.start(bench.hub.port, 2000, loadMessage)
  await sleep(SETTLE_MS)
  await page.locator('.stream .scroller').hover()
  await page.mouse.wheel(0, -2000)
  await page.locator('.pill').first().waitFor()
  const measured: number = await page.evaluate(`new Promise((resolve) => {
    const row = document.querySelectorAll('.stream .row')[12]
    const text = row.textContent
    const first = row.getBoundingClientRect().top
    const end = performance.now() + ${bench.seconds * 1000}
    let most = 0
    const frame = (now) => {
      const same = [...document.querySelectorAll('.stream .row')].find((one) => one.textContent === text)
      most = Math.max(most, same === undefined ? Infinity : Math.abs(same.getBoundingClientRect().top - first))
      if (now < end) requestAnimationFrame(frame)
      else resolve(most)
    }
    requestAnimationFrame(frame)
  })`)
  await load.stop()
  await page.close()
  return [
    {
      what: 'drift of the row you read while 2,000 msg/s arrive',
      must: '0 px',
      aim: '0 px',
      measured: `${measured} px`,
      isMet: measured === 0,
    },
  ]
}

export const size: Measurement = () => {
  const files = readdirSync(`${DASHBOARD}/assets`).map((name) => ({
    name,
    bytes: statSync(`${DASHBOARD}/assets/${name}`).size,
  }))
  const sumOf = (pattern: RegExp): number =>
    files.filter(({ name }) => pattern.test(name)).reduce((sum, { bytes }) => sum + bytes, 0) / 1000
  const page = sumOf(/^index-.*\.br$/)
  const worker = sumOf(/^worker-.*\.br$/)
  return Promise.resolve([
    {
      what: 'first load, brotli: page / MQTT worker',
      must: '≤ 75 kB / ≤ 100 kB',
      aim: '≤ 60 kB / ≤ 90 kB',
      measured: `${page.toFixed(1)} kB / ${worker.toFixed(1)} kB`,
      isMet: page <= 75 && worker <= 100,
    },
  ])
}

const NUMBERED_EVERY_MS = 50

export const outage: Measurement = async (bench) => {
  const { hub, awaySeconds } = bench
  const page = await open(bench, '#/room/numbers')
  const client = await connectAsync(`mqtt://127.0.0.1:${hub.port}`, { reconnectPeriod: 100 })
  let said = 0
  const timer = setInterval(() => client.publish('chat/numbers', `number ${said++}`, { qos: 2 }), NUMBERED_EVERY_MS)
  await sleep(SETTLE_MS)
  const noticed = page.locator('.banner').waitFor()
  const killedMs = performance.now()
  await hub.end('SIGKILL')
  await noticed
  const bannerMs = performance.now() - killedMs
  await sleep(awaySeconds * 1000)
  await hub.start()
  const backMs = performance.now()
  await page.locator('.banner').waitFor({ state: 'detached' })
  const saidWhenBack = said
  await untilSo(page, `document.querySelector('.stream').textContent.includes('number ${saidWhenBack - 1}')`)
  const caughtUpMs = performance.now() - backMs
  await sleep(SETTLE_MS)
  clearInterval(timer)
  await untilSo(page, `document.querySelector('.stream').textContent.includes('number ${said - 1}')`)
  await client.endAsync(true)
  const shown: string[] = await page.evaluate(`(async () => {
    const scroller = document.querySelector('.stream .scroller')
    const rows = new Map()
    for (let top = 0; top < scroller.scrollHeight; top += 300) {
      scroller.scrollTop = top
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      for (const row of document.querySelectorAll('.stream .row')) {
        rows.set(row.dataset.index, row.querySelector('.value')?.textContent)
      }
    }
    return [...rows.values()]
  })()`)
  await page.close()
  const times = Array.from({ length: said }, (_, index) => shown.filter((text) => text === `number ${index}`).length)
  const lost = times.filter((count) => count === 0).length
  const doubled = times.filter((count) => count > 1).length
  return [
    {
      what: `hub killed for ${awaySeconds} s`,
      must: 'banner ≤ 1 s, caught up ≤ 2 s, nothing lost or doubled',
      aim: 'same',
      measured: `banner ${ms(bannerMs)}, caught up ${ms(caughtUpMs)}; of ${said}: ${lost} lost, ${doubled} doubled`,
      isMet: bannerMs <= 1000 && caughtUpMs <= 2000 && lost === 0 && doubled === 0,
    },
  ]
}
