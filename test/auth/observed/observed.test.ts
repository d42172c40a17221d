import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { KeptObserved } from '../../../src/auth/observed/kept-observed.ts'
import { readObserved, writeObserved } from '../../../src/auth/observed/observed-file.ts'
import { type Asked, Observed, type ObservedOptions } from '../../../src/auth/observed/observed.ts'
import { CollectingLog } from '../../support/start-hub.ts'
import { somebody } from '../rules/identities.ts'

const PUBLISH: Asked = { action: 'publish', topic: 'a', qos: 0, isRetained: false, isAllowed: true }

function observedAt(times: readonly number[], options: Partial<ObservedOptions> = {}): Observed {
  const left = [...times]
  return new Observed({ nowMs: () => left.shift() ?? 0, ...options })
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-observed-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'observed.ndjson')
}

test('Observed has one row for what one client does, with how often, when, and the highest QoS', () => {
  const observed = observedAt([10, 20, 30, 40, 50, 70_000])
  const anna = somebody({ user: 'anna', clientId: 'phone', groups: ['family'] })
  observed.note(anna, { ...PUBLISH, qos: 1 })
  observed.note(anna, { ...PUBLISH, isRetained: true })
  observed.note(anna, { ...PUBLISH, action: 'subscribe' })
  observed.note({ ...anna, clientId: 'tablet' }, { ...PUBLISH, isAllowed: false })
  const known = { user: 'anna', clientId: 'phone', groups: ['family'], maxQos: 1, isRetained: true, firstAtMs: 10 }
  const others = [
    { action: 'subscribe', count: 1, firstAtMs: 30 },
    { clientId: 'tablet', isAllowed: false },
  ]
  // Nothing new, and a moment later.
  observed.note(anna, PUBLISH)
  expect([...observed.rows()]).toMatchObject([{ ...known, count: 2, lastAtMs: 20 }, ...others])
  observed.note(anna, PUBLISH)
  expect([...observed.rows()]).toMatchObject([...others, { ...known, count: 3, lastAtMs: 70_000 }])
})

test('Observed forgets what was seen longest ago when it is full', () => {
  const observed = observedAt([0, 1, 60_002, 60_003], { maxRows: 2 })
  for (const topic of ['a', 'b', 'a', 'c']) observed.note(somebody({ user: 'u' }), { ...PUBLISH, topic })
  expect([...observed.rows()].map(({ topic }) => topic)).toEqual(['a', 'c'])
})

test('Observed leaves room for others, whatever one client does', () => {
  const observed = observedAt([], { maxRows: 100, maxRowsPerClient: 10 })
  const greedy = somebody({ user: 'greedy', clientId: 'g' })
  for (let i = 0; i < 1000; i++) observed.note(greedy, { ...PUBLISH, topic: `flood/${i}` })
  observed.note(greedy, { ...PUBLISH, topic: 'flood/3' })
  observed.note(somebody({ user: 'anna' }), { ...PUBLISH, topic: 'x'.repeat(65_535) })
  observed.note(somebody({ user: 'anna' }), PUBLISH)
  expect({ rows: observed.size, leftOut: observed.leftOut }).toEqual({ rows: 11, leftOut: 991 })
})

test('Observed tells names apart that only look like one', () => {
  const observed = observedAt([])
  observed.note(somebody(), PUBLISH)
  observed.note(somebody({ user: '-' }), PUBLISH)
  observed.note(somebody({ user: '' }), PUBLISH)
  observed.note(somebody({ user: '__proto__', clientId: 'constructor' }), PUBLISH)
  expect([...observed.rows()].map(({ user, clientId }) => [user, clientId])).toEqual([
    [undefined, undefined],
    ['-', undefined],
    ['', undefined],
    ['__proto__', 'constructor'],
  ])
})

test('What was seen survives in its file, which only its owner may read; lines that are none are left out', async () => {
  const path = temporaryFile()
  const observed = observedAt([1000, 2000])
  observed.note(somebody({ user: 'an"na\n', clientId: 'c', role: 'admin', groups: ['g'] }), {
    ...PUBLISH,
    topic: 'ж/\u2028',
  })
  observed.note(somebody(), { ...PUBLISH, action: 'subscribe', topic: '#' })
  await writeObserved(path, observed)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const again = observedAt([])
  expect(await readObserved(path, again)).toBe(0)
  expect([...again.rows()]).toEqual([...observed.rows()])

  writeFileSync(
    path,
    'null\n{"topic":"a"}\n{"action":"publish","topic":"a","qos":7}\n[\n{"__proto__":{"action":"publish"}}\n',
  )
  const empty = observedAt([])
  expect(await readObserved(path, empty)).toBe(5)
  expect(empty.size).toBe(0)
  expect(await readObserved(`${path}.missing`, empty)).toBe(0)
})

test('KeptObserved writes at its stop what was seen since its start', async () => {
  const path = temporaryFile()
  const log = new CollectingLog()
  for (const topic of ['first', 'second']) {
    const observed = observedAt([])
    const kept = new KeptObserved(observed, path, log)
    await kept.start()
    observed.note(somebody({ user: 'anna' }), { ...PUBLISH, topic })
    await kept.stop()
  }
  const observed = observedAt([])
  await readObserved(path, observed)
  expect([...observed.rows()].map(({ topic }) => topic)).toEqual(['first', 'second'])
  expect(log.lines.items).toEqual([])
})
