import type { MqttClient } from 'mqtt'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient, retain } from './mqtt.ts'
import { openPage } from './open-page.ts'

const IMAGE = '<img src=x onerror=wasRun=1>'
const MARKUP = `${IMAGE}<script>wasRun=1</script><svg onload=wasRun=1>`
/** Enough for 5 MB of payload. */
const LARGE = { limits: { maxPacketBytes: 6_000_000 } }
/** Far below what one large payload would be, drawn whole. */
const FEW_ELEMENTS = 3000
/** What turns the direction of writing. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

interface Scene {
  readonly port: number
  readonly httpPort: number
  readonly page: Page
  readonly complaints: string[]
  readonly mallory: MqttClient
}

/** A hub, a page that looks at a place, and somebody who means no good. */
async function openScene(place: string, config = {}): Promise<Scene> {
  const { port, httpPort } = await startHubWithHttp({ config })
  const mallory = await connectClient(port, 'mallory')
  return { port, httpPort, mallory, ...(await openPage(httpPort, place)) }
}

/** A hub with a device that announces this, and the page with its details open. */
async function openDevice(about: string | object, config = {}): Promise<Scene & { readonly heard: string[] }> {
  const scene = await openScene('#/', config)
  const heard: string[] = []
  const lamp = await connectClient(scene.port, 'lamp-1')
  lamp.on('message', (_topic, payload) => heard.push(payload.toString()))
  await lamp.subscribeAsync('devices/lamp-1/cmd/#', { qos: 1 })
  await retain(lamp, 'devices/lamp-1/about', about)
  await retain(lamp, 'devices/lamp-1/state', '{"isOn":true}')
  await scene.page.locator('.line[data-id="device/lamp-1"]').click()
  await scene.page.getByRole('button', { name: 'Details' }).click()
  await scene.page.locator('.details .values').getByText('isOn').waitFor()
  return { ...scene, heard }
}

async function openMessage(page: Page, message: Locator): Promise<void> {
  await message.locator('.value').click()
  if ((await page.locator('.details').count()) === 0) await page.getByRole('button', { name: 'Details' }).click()
}

/** The rows of the message that is open, in one of its views, once they are there. */
async function rowsIn(page: Page, view: 'Tree' | 'Text' | 'Hex' | 'Changes'): Promise<string[]> {
  await page.getByRole('radio', { name: view }).check()
  const name = { Tree: 'json', Text: 'text', Hex: 'hex', Changes: 'changes' }[view]
  await page.locator(`.payload-${name}[aria-busy="false"]`).waitFor()
  return page.locator('.payload-row').allTextContents()
}

/** The page is small, runs nothing that it was sent, has nothing to complain about, and one can go on talking. */
async function expectUsable({ page, complaints, mallory }: Scene): Promise<void> {
  expect(await page.locator('*').count()).toBeLessThan(FEW_ELEMENTS)
  expect(await page.evaluate('typeof wasRun')).toBe('undefined')
  await page.locator('.line[data-id="room/lobby"]').click()
  await page.locator('.head h1', { hasText: 'lobby' }).waitFor()
  await mallory.publishAsync('chat/lobby', 'and how are you?', { qos: 1 })
  await page.locator('.message', { hasText: 'and how are you?' }).waitFor()
  await page.getByRole('textbox', { name: 'Message' }).fill('still here')
  await page.keyboard.press('Enter')
  await page.locator('.message', { hasText: 'still here' }).locator('[data-tick="nobody"]').waitFor()
  expect(complaints).toEqual([])
}

test('Markup in payloads, topics and names is shown as it was sent and never run', async () => {
  const scene = await openScene('#/room/lobby')
  const { page, mallory, httpPort } = scene
  await mallory.publishAsync('chat/lobby', JSON.stringify({ from: IMAGE, text: MARKUP }), { qos: 1 })
  await retain(mallory, `chat/${IMAGE}`, { from: IMAGE, text: IMAGE })
  const said = page.locator('.message', { hasText: MARKUP })
  await said.locator('.who', { hasText: IMAGE }).waitFor()
  await openMessage(page, said)
  expect(await rowsIn(page, 'Tree')).toEqual(['{', `from"${IMAGE}"`, `text"${MARKUP}"`, '}'])
  expect(await rowsIn(page, 'Text')).toEqual([JSON.stringify({ from: IMAGE, text: MARKUP })])
  expect((await rowsIn(page, 'Hex')).join('')).toContain('=x onerror=wasR')
  await page.locator('.line', { hasText: `${IMAGE}: ${IMAGE}` }).click()
  await page.locator('.head h1', { hasText: IMAGE }).waitFor()
  await page.locator('.pins', { hasText: IMAGE }).waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('option', { name: IMAGE }).waitFor()
  await page.keyboard.press('Escape')
  await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
  await page.locator('.rows tbody tr', { hasText: `chat/${IMAGE}` }).waitFor()
  await page.getByRole('button', { name: `Delete: chat/${IMAGE}` }).click()
  await page.locator('.ask', { hasText: IMAGE }).waitFor()
  expect(await page.locator('img').count()).toBe(0)
  await expectUsable(scene)
})

test('Markup in what a device says of itself is shown as it was sent and never run', async () => {
  const field = { type: 'string', title: `field ${IMAGE}`, unit: IMAGE, default: MARKUP }
  const scene = await openDevice({
    name: `name ${IMAGE}`,
    kind: `kind ${IMAGE}`,
    commands: {
      [IMAGE]: { title: `title ${IMAGE}`, parameters: { properties: { a: field, b: { enum: [IMAGE, { IMAGE }] } } } },
    },
  })
  const { page, heard } = scene
  const details = page.locator('.details')
  for (const text of ['name', 'kind', 'title', 'field']) await details.getByText(`${text} ${IMAGE}`).waitFor()
  const form = page.getByRole('form', { name: IMAGE })
  await form.getByRole('combobox').selectOption(IMAGE)
  await form.getByRole('button', { name: 'Run' }).click()
  await expect.poll(() => heard).toEqual([JSON.stringify({ a: MARKUP, b: IMAGE })])
  expect(await page.locator('img').count()).toBe(0)
  await expectUsable(scene)
})

test('A regular expression that a device announces is told, and not tried on what one writes', async () => {
  const field = { type: 'string', title: 'Code', pattern: '(a+)+$' }
  const scene = await openDevice({
    commands: { set: { parameters: { required: ['code'], properties: { code: field } } } },
  })
  const code = scene.page.getByRole('form', { name: 'set' }).getByLabel('Code')
  const text = `${'a'.repeat(60)}!`
  await code.fill(text)
  expect(await code.getAttribute('title')).toContain('(a+)+$')
  await scene.page.getByRole('button', { name: 'Run' }).click()
  await expect.poll(() => scene.heard).toEqual([JSON.stringify({ code: text })])
  await expectUsable(scene)
})

test('Of ten thousand commands, fields and choices a few are drawn, with the number of the others', async () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `x${index}`)
  const properties = Object.fromEntries(many.map((name) => [name, { type: 'number' }]))
  const first = { parameters: { required: many, properties } }
  const second = { parameters: { properties: { mode: { enum: many } } } }
  const others = Object.fromEntries(many.map((name) => [name, { title: `Command ${name}` }]))
  const about = { name: 'n'.repeat(1_000_000), commands: { first, second, ...others } }
  const scene = await openDevice(about, LARGE)
  const { page } = scene
  const forms = page.locator('.command')
  const form = page.getByRole('form', { name: 'first' })
  await expect.poll(() => forms.count()).toBe(10)
  expect(await form.locator('input').count()).toBe(10)
  await form.getByRole('button', { name: 'More (9,990)' }).click()
  await expect.poll(() => form.locator('input').count()).toBe(60)
  await page.getByRole('button', { name: 'More (9,992)' }).click()
  await expect.poll(() => forms.count()).toBe(60)
  expect(await page.getByRole('form', { name: 'second' }).locator('option').count()).toBe(0)
  await expectUsable(scene)
})

test('Members named __proto__ and constructor, values of odd kinds and deep nesting in an announcement do no harm', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const fields = [
    '"__proto__":{"type":"string","default":"kept"}',
    '"constructor":{"enum":[{"toString":1,"valueOf":2},null]}',
    `"hasOwnProperty":{"default":${deep}}`,
    `"length":{"enum":[${deep}]}`,
    '"maxLength":{"type":"string","maxLength":-1,"pattern":"["}',
    '"number":{"type":"number","minimum":1e400,"multipleOf":0}',
  ]
  const scene = await openDevice(
    `{"name":["odd"],"__proto__":{"name":"odd"},"commands":{"__proto__":{"properties":{${fields.join(',')}}},"x":null}}`,
  )
  const { page, heard, mallory } = scene
  for (const name of ['constructor', 'toString', '__proto__']) {
    await mallory.publishAsync(`devices/lamp-1/${name}`, '{"__proto__":"own","constructor":[1.10,{"a":1e400}]}', {
      qos: 1,
    })
  }
  const values = page.locator('.details .values li', { hasText: 'toString' })
  await values.getByText('[1.10,{"a":1e400}]').waitFor()
  await values.getByText('own', { exact: true }).waitFor()
  const form = page.getByRole('form', { name: '__proto__' })
  await form.getByLabel('constructor').selectOption('{"toString":1,"valueOf":2}')
  await form.getByRole('button', { name: 'Run' }).click()
  await expect.poll(() => heard).toEqual(['{"__proto__":"kept","constructor":{"toString":1,"valueOf":2}}'])
  await expectUsable(scene)
})

test('Changes of direction and control characters are signs, wherever they are: ANSI colours, NUL, halves of letters', async () => {
  const hostile = '\u202Eevil\u001b[31m\u0000\u0085\u2066'
  const shown = '⟨202E⟩evil␛[31m␀⟨0085⟩⟨2066⟩'
  const escaped = String.raw`{"from":"\u202eann\u001b","text":"\ud800 \u0007"}`
  const scene = await openScene('#/room/lobby')
  const { page, mallory, httpPort } = scene
  const userProperties = { '\u202Ename': 'value\u001b[0m' }
  await mallory.publishAsync('chat/lobby', escaped, { qos: 1 })
  await page.locator('.line-last', { hasText: '⟨202E⟩ann␛: ⟨D800⟩ ␇' }).waitFor()
  await mallory.publishAsync('chat/lobby', hostile, { qos: 1, properties: { userProperties } })
  await page.locator('.line-last', { hasText: shown }).waitFor()
  const [first, second] = [page.locator('.message').first(), page.locator('.message').nth(1)]
  expect(await first.locator('.who').textContent()).toBe('⟨202E⟩ann␛')
  expect(await first.locator('.value').textContent()).toBe('⟨D800⟩ ␇')
  expect(await second.locator('.value').textContent()).toBe(shown)
  await openMessage(page, second)
  expect(await rowsIn(page, 'Text')).toEqual([shown])
  expect(await rowsIn(page, 'Tree')).toEqual([shown])
  await page.locator('.facts', { hasText: 'user: ⟨202E⟩namevalue␛[0m' }).waitFor()
  await retain(mallory, 'plant/\u202Eknup/\u001b[31m', hostile)
  await retain(mallory, 'chat/\u202Emoor', 'x')
  await page.locator('.line-name', { hasText: '⟨202E⟩moor' }).click()
  await page.locator('.head h1', { hasText: '⟨202E⟩moor' }).waitFor()
  expect(await page.locator('body').textContent()).not.toMatch(TURNS)
  await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
  await page.locator('.rows tbody tr', { hasText: `plant/⟨202E⟩knup/␛[31m${shown}` }).waitFor()
  expect(await page.locator('body').textContent()).not.toMatch(TURNS)
  await expectUsable(scene)
})

test('Names that are written from right to left change the order of nothing beside them', async () => {
  const schema = { properties: { volts: { type: 'number', title: 'מתח', unit: 'וולט' } } }
  const scene = await openDevice({ telemetry: { schema } })
  await scene.mallory.publishAsync('devices/lamp-1/telemetry', '{"volts":5}', { qos: 1 })
  const parts = scene.page.locator('.telemetry .measurement > *')
  await parts.nth(2).waitFor()
  expect(await parts.allTextContents()).toEqual(['מתח ', '5', ' וולט'])
  const boxes = await Promise.all([0, 1, 2].map((index) => parts.nth(index).boundingBox()))
  const lefts = boxes.map((box) => box?.x ?? 0)
  expect(lefts).toEqual(lefts.toSorted((one, other) => one - other))
  await expectUsable(scene)
})

test('Bytes that are no text are shown as bytes; broken text keeps what can be read', async () => {
  const scene = await openScene('#/room/lobby')
  const { page, mallory } = scene
  await mallory.publishAsync('chat/lobby', Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80]), { qos: 1 })
  const message = page.locator('.message', { hasText: '61 ff c3 28 ed a0 80' })
  await message.locator('.badge', { hasText: 'binary' }).waitFor()
  await page.locator('.line-last', { hasText: 'binary' }).waitFor()
  await openMessage(page, message)
  await page.locator('.payload-hex .payload-row', { hasText: '61 ff c3 28 ed a0 80' }).waitFor()
  expect(await rowsIn(page, 'Text')).toEqual(['a\ufffd\ufffd(\ufffd\ufffd\ufffd'])
  expect(await rowsIn(page, 'Tree')).toEqual(['a\ufffd\ufffd(\ufffd\ufffd\ufffd'])
  await expectUsable(scene)
})

test('A payload of nothing, or of nothing but spaces and line breaks, can be seen and opened', async () => {
  const scene = await openScene('#/channel/plant%2F%23')
  const { page, mallory } = scene
  await mallory.publishAsync('plant/empty', '', { qos: 1 })
  await mallory.publishAsync('plant/blank', ' \n\t', { qos: 1 })
  const [empty, blank] = ['empty', 'blank'].map((topic) => page.locator('.message', { hasText: topic }))
  if (empty === undefined || blank === undefined) throw new Error('There are two topics')
  await openMessage(page, empty)
  await page.locator('.payload-rows', { hasText: 'empty' }).waitFor()
  await blank.locator('.value', { hasText: '␠␊␉' }).waitFor()
  await openMessage(page, blank)
  await page.locator('.facts', { hasText: 'plant/blank' }).waitFor()
  expect(await rowsIn(page, 'Hex')).toEqual([expect.stringContaining('20 0a 09')])
  await expectUsable(scene)
})

test('Numbers keep all their digits, and of members with the same name each is shown', async () => {
  const numbers = '{"n":1e400,"n":12345678901234567890,"__proto__":0.1000,"constructor":-0.0,"toString":{"n":1.10}}'
  const scene = await openScene('#/channel/plant%2F%23')
  const { page, mallory, httpPort } = scene
  await retain(mallory, 'plant/x', numbers)
  const message = page.locator('.message', { hasText: numbers })
  await openMessage(page, message)
  expect(await rowsIn(page, 'Tree')).toEqual([
    '{',
    'n1e400',
    'n12345678901234567890',
    '__proto__0.1000',
    'constructor-0.0',
    'toString{',
    'n1.10',
    '}',
    '}',
  ])
  await page.getByRole('button', { name: '0.1000', exact: true }).click()
  await page.getByRole('img', { name: 'Chart of __proto__' }).waitFor()
  expect(await rowsIn(page, 'Text')).toEqual([numbers])
  await page.locator('.line-last', { hasText: 'n 12345678901234567890, __proto__ 0.1000, constructor -0.0' }).waitFor()
  await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
  await page.locator('.rows tbody tr', { hasText: numbers }).waitFor()
  await expectUsable(scene)
})

const LONG_NAMES = Array.from({ length: 31 }, () => `{"${'k'.repeat(1900)}":`)
const HUGE: Readonly<Record<string, () => string | Buffer>> = {
  '5 MB of JSON': () => JSON.stringify(Array.from({ length: 150_000 }, (_, index) => ({ index, value: `v ${index}` }))),
  'a line of 5 MB': () => 'x'.repeat(5_000_000),
  'a JSON string of 5 MB': () => JSON.stringify({ text: 'x'.repeat(5_000_000) }),
  'a JSON string of 5 MB without an end': () => `{"text":"${String.raw`\n`.repeat(2_500_000)}`,
  '5 MB of line breaks': () => '\n'.repeat(5_000_000),
  '5 MB that turn the direction': () => '\u202E'.repeat(1_600_000),
  '5 MB that are no text': () => Buffer.alloc(5_000_000, 0xff),
  'JSON nested 100,000 deep': () => `${'{"a":['.repeat(50_000)}1${']}'.repeat(50_000)}`,
  'a JSON object of 100,000 members': () =>
    `{${Array.from({ length: 100_000 }, (_, index) => `"member ${index}":${index}`).join(',')}}`,
  'JSON below very long names': () => `${LONG_NAMES.join('')}[${'1.5,'.repeat(100_000)}1]${'}'.repeat(31)}`,
  'a number of 5,000,000 digits': () => '7'.repeat(5_000_000),
}

test.each(Object.entries(HUGE))('%s is shown in part, and the page goes on', async (_name, payloadOf) => {
  const scene = await openScene('#/channel/plant%2F%23', LARGE)
  const { page, mallory, httpPort } = scene
  await mallory.publishAsync('plant/huge', '{"before":1}', { qos: 1 })
  await mallory.publishAsync('plant/huge', payloadOf(), { qos: 1, retain: true })
  const message = page.locator('.message').nth(1)
  await message.locator('.badge', { hasText: /[kM]B/ }).waitFor()
  await openMessage(page, message)
  for (const view of ['Tree', 'Text', 'Hex', 'Changes'] as const) {
    expect((await rowsIn(page, view)).length).toBeGreaterThan(0)
    expect(await page.locator('*').count()).toBeLessThan(FEW_ELEMENTS)
  }
  await page.getByRole('button', { name: 'Details' }).click()
  await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
  await page.locator('.rows tbody tr', { hasText: 'plant/huge' }).waitFor()
  await expectUsable(scene)
})

test('A device that measures 5 MB a message has values, and its page goes on', async () => {
  const scene = await openDevice({ name: 'Lamp' }, LARGE)
  const { page, mallory } = scene
  for (const watts of ['1.50', '2.50']) {
    const payload = `{"watts":${watts},"text":"${'x'.repeat(5_000_000)}"}`
    await mallory.publishAsync('devices/lamp-1/telemetry', payload, { qos: 1 })
  }
  const line = page.locator('.telemetry', { hasText: '"watts":2.50' })
  await line.getByText('×2').waitFor()
  await openMessage(page, line)
  expect(await rowsIn(page, 'Changes')).toEqual(['watts1.50 → 2.50'])
  await page.reload()
  await line.getByText('×2').waitFor()
  await page.getByRole('button', { name: 'Details' }).click()
  await page.locator('.details .values').getByText('isOn').waitFor()
  await expectUsable(scene)
})

test('Of very many properties the first are listed, and how many more there are is said', async () => {
  const scene = await openScene('#/room/lobby', LARGE)
  const { page, mallory } = scene
  for (const amount of [1000, 100_000]) {
    const names = Array.from({ length: amount }, (_, index) => [`p${index}`, 'v'])
    const properties = { userProperties: Object.fromEntries(names), contentType: 'c'.repeat(60_000) }
    await mallory.publishAsync('chat/lobby', `with ${amount}`, { qos: 1, properties })
    await openMessage(page, page.locator('.message', { hasText: `with ${amount}` }))
    await page.getByText(`and ${(amount - 499).toLocaleString('en')} more`).waitFor()
    await page.locator('.facts').getByText('user: p498', { exact: true }).waitFor()
  }
  await expectUsable(scene)
})

test('Topics as long as the hub takes them leave everything else where it was', async () => {
  const scene = await openScene('#/room/lobby', { limits: { maxTopicBytes: 65_535 } })
  const { page, mallory, httpPort } = scene
  // The hub takes no longer address of what is asked over HTTP.
  await retain(mallory, `chat/r${'o'.repeat(15_000)}m`, 'in a long room')
  await retain(mallory, `plant/${'o'.repeat(65_000)}/end`, 'in a long channel')
  await page.locator('.line', { hasText: 'in a long room' }).click()
  await page.locator('.message', { hasText: 'in a long room' }).waitFor()
  await page.locator('.line[data-id="channel/plant/#"]').click()
  const message = page.locator('.message', { hasText: 'in a long channel' })
  await openMessage(page, message)
  expect(await rowsIn(page, 'Text')).toEqual(['in a long channel'])
  const width = 'document.documentElement.scrollWidth - innerWidth'
  expect(await page.evaluate(width)).toBe(0)
  await page.goto(`http://127.0.0.1:${httpPort}/#/retained`)
  await page.locator('.rows tbody tr', { hasText: 'in a long room' }).waitFor()
  expect(await page.evaluate(width)).toBe(0)
  await expectUsable(scene)
})
