import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AuditFile } from '../../../src/auth/audit/audit-file.ts'
import { AuditLog } from '../../../src/auth/audit/audit-log.ts'
import { CollectingLog } from '../../support/start-hub.ts'

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-audit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'audit.ndjson')
}

async function openAudit(path?: string, maxBytes?: number): Promise<{ audit: AuditLog; log: CollectingLog }> {
  const log = new CollectingLog()
  const file = path === undefined ? undefined : new AuditFile(path, log, maxBytes)
  const audit = new AuditLog({ file, log, nowMs: () => Date.now() })
  await audit.start()
  onTestFinished(() => audit.stop())
  return { audit, log }
}

const ANNA = { user: 'anna', host: '192.0.2.7', outcome: 'done' } as const

test('AuditLog tells who did what from where, in the log of the hub and in a file that only it may read', async () => {
  const path = temporaryFile()
  const { audit, log } = await openAudit(path)
  audit.note({ ...ANNA, action: 'DELETE /api/v1/retained', what: { filter: 'home/#' } })
  await audit.stop()
  const line: unknown = JSON.parse(readFileSync(path, 'utf8'))
  const entry = {
    sequence: 1,
    user: 'anna',
    host: '192.0.2.7',
    action: 'DELETE /api/v1/retained',
    what: { filter: 'home/#' },
  }
  expect(line).toMatchObject({ ...entry, outcome: 'done', times: 1, atMs: expect.any(Number) })
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(log.lines.items).toMatchObject([{ level: 'info', text: 'audit', fields: { user: 'anna', filter: 'home/#' } }])
  expect(audit.list(undefined, 10, undefined)).toMatchObject([entry])
})

test('AuditLog goes on after a restart, also of a hub that died in the middle of a line', async () => {
  const path = temporaryFile()
  const { audit } = await openAudit(path)
  audit.note({ ...ANNA, action: 'a', what: {} })
  await audit.stop()
  appendFileSync(path, '{"sequence":2,"user":"an')
  const { audit: second } = await openAudit(path)
  second.note({ ...ANNA, action: 'b', what: {} })
  await second.stop()
  const { audit: third } = await openAudit(path)
  expect(third.list(undefined, 10, undefined)).toMatchObject([
    { sequence: 2, action: 'b' },
    { sequence: 1, action: 'a' },
  ])
})

test('AuditLog makes one entry of what is the same within a minute', async () => {
  const { audit, log } = await openAudit()
  for (let i = 0; i < 1000; i++) audit.note({ ...ANNA, action: 'POST /api/v1/publish', what: { topic: `t/${i}` } })
  audit.note({ ...ANNA, user: 'otto', action: 'POST /api/v1/publish', what: { topic: 'x' } })
  audit.note({ ...ANNA, outcome: 'refused', action: 'POST /api/v1/publish', what: { topic: 'y' } })
  await audit.stop()
  expect(audit.list(undefined, 10, 'anna')).toMatchObject([
    { times: 999, what: {} },
    { outcome: 'refused', what: { topic: 'y' } },
    { times: 1, what: { topic: 't/0' } },
  ])
  expect(log.lines.items).toHaveLength(4)
})

test('AuditLog is bounded in memory and on disk', async () => {
  const path = temporaryFile()
  const { audit } = await openAudit(path, 100_000)
  for (let i = 0; i < 6000; i++) audit.note({ ...ANNA, action: `action ${i}`, what: { topic: 'x'.repeat(10_000) } })
  await audit.stop()
  expect(audit.list(undefined, 10_000, undefined)).toHaveLength(5000)
  expect(audit.list(undefined, 1, undefined)[0]?.what['topic']).toHaveLength(513)
  for (const file of [path, path.replace('.ndjson', '.1.ndjson')]) {
    expect(statSync(file).size).toBeGreaterThan(0)
    expect(statSync(file).size).toBeLessThanOrEqual(100_000)
  }
})

test('AuditLog shows pages, and nothing twice', async () => {
  const { audit } = await openAudit()
  for (let i = 0; i < 5; i++) audit.note({ ...ANNA, action: `action ${i}`, what: {} })
  const first = audit.list(undefined, 2, undefined)
  expect(first.map(({ action }) => action)).toEqual(['action 4', 'action 3'])
  expect(audit.list(first.at(-1)?.sequence, 3, undefined).map(({ action }) => action)).toEqual([
    'action 2',
    'action 1',
    'action 0',
  ])
})

test('AuditLog has nothing in its file that moves the cursor of who reads it', async () => {
  const path = temporaryFile()
  const { audit } = await openAudit(path)
  audit.note({ ...ANNA, user: 'a\n\u001B[2J\u202E', action: 'a', what: { topic: '\u009B2J' } })
  await audit.stop()
  const text = readFileSync(path, 'utf8')
  expect(text.split('\n')).toHaveLength(2)
  // oxlint-disable-next-line eslint/no-control-regex -- they are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/)
})

test('AuditLog goes on in memory when its file cannot be used, and the log says so once', async () => {
  const path = join(temporaryFile(), 'no-folder', 'audit.ndjson')
  writeFileSync(path.slice(0, path.indexOf('/no-folder')), '')
  const { audit, log } = await openAudit(path)
  audit.note({ ...ANNA, action: 'a', what: {} })
  await audit.stop()
  audit.note({ ...ANNA, action: 'b', what: {} })
  await audit.stop()
  expect(audit.list(undefined, 10, undefined)).toHaveLength(2)
  expect(log.lines.items.filter(({ text }) => text === 'the audit log cannot be written')).toHaveLength(1)
})

test('AuditLog hides no deletion behind one a moment before', async () => {
  const audit = new AuditLog({ file: undefined, log: new CollectingLog(), nowMs: () => Date.now() })
  onTestFinished(() => audit.stop())
  for (const filter of ['harmless', 'home/#', 'home/#'])
    audit.note({ ...ANNA, action: 'DELETE /api/v1/retained', what: { filter } })
  const told = audit.list(undefined, 10, undefined).map(({ what }) => what['filter'])
  expect(told).toEqual(['home/#', 'harmless'])
})
