import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SignInFile } from '../../../src/auth/sign-ins/sign-in-file.ts'
import { SignIns } from '../../../src/auth/sign-ins/sign-ins.ts'
import { People } from '../../support/people.ts'
import { CollectingLog } from '../../support/start-hub.ts'

const HOUR_MS = 3_600_000
const PEER = { host: '192.0.2.7', listener: 'http', certificateName: undefined }

class Signing {
  readonly people = new People({
    anna: { password: 'a', role: 'operator', groups: ['family'] },
    otto: { password: 'o', role: 'viewer' },
  })
  readonly log = new CollectingLog()
  /** A little ago: passwords change now. */
  nowMs = Date.now() - 1000
  readonly #path: string | undefined

  constructor(path?: string) {
    this.#path = path
  }

  async start(): Promise<SignIns> {
    const file = this.#path === undefined ? undefined : new SignInFile(this.#path, this.log)
    const signIns = new SignIns({ gate: this.people.gate, file, nowMs: () => this.nowMs })
    await signIns.start()
    onTestFinished(() => signIns.stop())
    return signIns
  }

  async signIn(signIns: SignIns, user: 'anna' | 'otto'): Promise<{ secret: string; id: string }> {
    const identity = this.people.identityOf(user, this.nowMs, PEER)
    if (identity?.role === undefined) throw new Error(`there is no ${user} any more`)
    const [secret, { id }] = await signIns.begin({ ...identity, user, role: identity.role }, 'Firefox')
    return { secret, id }
  }
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-sign-ins-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'sign-ins.json')
}

describe('A sign-in', () => {
  test('is good for who has its secret, with what the user is now', async () => {
    const signing = new Signing()
    const signIns = await signing.start()
    const { secret, id } = await signing.signIn(signIns, 'anna')
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(signIns.find(secret, PEER)).toMatchObject({
      signIn: { id, user: 'anna', host: '192.0.2.7', browser: 'Firefox' },
      identity: { user: 'anna', role: 'operator', groups: ['family'], via: 'cookie', signIn: id },
    })
    expect(signIns.find(secret, { ...PEER, host: '192.0.2.8' })?.identity.host).toBe('192.0.2.8')
    expect(signIns.find(id, PEER)).toBeUndefined()
    expect(signIns.find(`${secret}x`, PEER)).toBeUndefined()
  })

  test('is over 12 hours after its last use, and a week after it was made however it is used', async () => {
    const signing = new Signing()
    const signIns = await signing.start()
    const idle = await signing.signIn(signIns, 'anna')
    const used = await signing.signIn(signIns, 'anna')
    const startMs = signing.nowMs
    for (let hours = 0; hours <= 7 * 24; hours += 11) {
      signing.nowMs = startMs + hours * HOUR_MS
      expect(signIns.find(used.secret, PEER)).toBeDefined()
    }
    expect(signIns.find(idle.secret, PEER)).toBeUndefined()
    signing.nowMs = startMs + 7 * 24 * HOUR_MS + 1
    expect(signIns.find(used.secret, PEER)).toBeUndefined()
  })

  test.each([
    ['its user is removed', undefined],
    ['its user has another password', { password: 'b', role: 'operator' }],
    ['its user has another role', { password: 'a', role: 'admin' }],
    ['its user has no role any more', { password: 'a' }],
  ] as const)('is over when %s, and who watches it is told', async (_name, person) => {
    const signing = new Signing()
    const signIns = await signing.start()
    const anna = await signing.signIn(signIns, 'anna')
    const otto = await signing.signIn(signIns, 'otto')
    const told: string[] = []
    signIns.whenOver(anna.id, () => told.push('anna'))
    signIns.whenOver(otto.id, () => told.push('otto'))
    signing.people.change('anna', person)
    expect(told).toEqual(['anna'])
    expect(signIns.find(anna.secret, PEER)).toBeUndefined()
    expect(signIns.find(otto.secret, PEER)).toBeDefined()
  })

  test('is ended once, by its identifier, and who comes to watch it later is told too', async () => {
    const signing = new Signing()
    const signIns = await signing.start()
    const { secret, id } = await signing.signIn(signIns, 'anna')
    expect(await Promise.all([signIns.end(id), signIns.end(id)])).toEqual([true, false])
    expect(signIns.find(secret, PEER)).toBeUndefined()
    await new Promise<void>((resolve) => void signIns.whenOver(id, resolve))
  })

  test('of a user is left when the others are ended', async () => {
    const signing = new Signing()
    const signIns = await signing.start()
    const [one, other] = [await signing.signIn(signIns, 'anna'), await signing.signIn(signIns, 'anna')]
    const otto = await signing.signIn(signIns, 'otto')
    await signIns.endOthers('anna', one.id)
    expect([one, other, otto].map(({ secret }) => signIns.find(secret, PEER) !== undefined)).toEqual([
      true,
      false,
      true,
    ])
  })

  test('of one user gives way to new ones when there are a hundred', async () => {
    const signing = new Signing()
    const signIns = await signing.start()
    const otto = await signing.signIn(signIns, 'otto')
    const first = await signing.signIn(signIns, 'anna')
    for (let i = 0; i < 100; i++) {
      signing.nowMs++
      await signing.signIn(signIns, 'anna')
    }
    expect(signIns.list('anna')).toHaveLength(100)
    expect(signIns.find(first.secret, PEER)).toBeUndefined()
    expect(signIns.find(otto.secret, PEER)).toBeDefined()
  })
})

describe('Sign-ins on disk', () => {
  test('are there after a restart, without their secrets, and only for the hub to read', async () => {
    const path = temporaryFile()
    const signing = new Signing(path)
    const { secret, id } = await signing.signIn(await signing.start(), 'anna')
    expect(readFileSync(path, 'utf8')).not.toContain(secret)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect((await signing.start()).find(secret, PEER)).toMatchObject({ signIn: { id, user: 'anna' } })
  })

  test('that were ended do not come back, though the hub is killed right after', async () => {
    const path = temporaryFile()
    const signing = new Signing(path)
    const signIns = await signing.start()
    const { secret, id } = await signing.signIn(signIns, 'anna')
    const kept = await signing.signIn(signIns, 'anna')
    await signIns.end(id)
    const after = await signing.start()
    expect(after.find(secret, PEER)).toBeUndefined()
    expect(after.find(kept.secret, PEER)).toBeDefined()
  })

  test('are over when the password was changed while the hub was stopped', async () => {
    const path = temporaryFile()
    const signing = new Signing(path)
    const { secret } = await signing.signIn(await signing.start(), 'anna')
    signing.people.change('anna', { password: 'b', role: 'operator' })
    expect((await signing.start()).find(secret, PEER)).toBeUndefined()
  })

  test.each(['', '{', '[{"id":1}]', '[null]', '{"a":1}'])('that are damaged are none: %j', async (text) => {
    const path = temporaryFile()
    writeFileSync(path, text)
    const signing = new Signing(path)
    const signIns = await signing.start()
    expect(signIns.list(undefined)).toEqual([])
    const { secret } = await signing.signIn(signIns, 'anna')
    expect((await signing.start()).find(secret, PEER)).toBeDefined()
  })

  test('that cannot be written are kept in memory, and the log says so once', async () => {
    const path = join(temporaryFile(), 'no-folder', 'sign-ins.json')
    const signing = new Signing(path)
    const signIns = await signing.start()
    const { secret } = await signing.signIn(signIns, 'anna')
    await signing.signIn(signIns, 'anna')
    expect(signIns.find(secret, PEER)).toBeDefined()
    expect(existsSync(path)).toBe(false)
    expect(signing.log.lines.items).toHaveLength(1)
  })
})
