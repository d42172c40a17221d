import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Identity, isRefusal, type Peer, type Refusal } from '../../../src/auth/identity.ts'
import type { Users } from '../../../src/auth/users/users.ts'
import { HEADER } from '../../../src/auth/users/users-text.ts'
import { until } from '../../support/guard.ts'
import { ScramClient } from '../passwords/scram-client.ts'
import { isScramSuccess } from '../../../src/auth/users/scram-sign-in.ts'
import { credentials, PEER, testUsers } from '../../support/users.ts'

const WRONG = { kind: 'wrong', reason: 'the user name or the password is wrong' }
const ANNA = { password: Buffer.from('correct horse') }

function certified(certificateName: string): Peer {
  return { ...PEER, certificateName }
}

async function answerOf(users: Users, name: string, password: string, host = PEER.host): Promise<Identity | Refusal> {
  return users.authenticate(credentials(name, password), { ...PEER, host })
}

describe('Users authenticate', () => {
  test('a device by its generated secret in the call', async () => {
    const { users } = await testUsers()
    const { secret = '' } = await users.changes.add('dev-1', 'secret', { groups: ['sensors'] })
    expect(users.authenticate(credentials('dev-1', secret), PEER)).toMatchObject({
      user: 'dev-1',
      groups: ['sensors'],
      role: undefined,
      via: 'password',
      clientId: 'client-1',
      host: '192.0.2.7',
      listener: 'mqtt',
      expiresAtMs: Infinity,
    })
  })

  test('a person by a password, and the next time in the call', async () => {
    const { users } = await testUsers()
    await users.changes.add('anna', ANNA)
    const first = users.authenticate(credentials('anna', 'correct horse'), PEER)
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toMatchObject({ user: 'anna', role: 'admin', via: 'password' })
    expect(users.authenticate(credentials('anna', 'correct horse'), PEER)).toMatchObject({ user: 'anna' })
    expect(await users.authenticate(credentials('anna', 'correct hors'), PEER)).toEqual(WRONG)
  })

  test('nobody by a wrong, empty or missing secret, and no name that is in every object', async () => {
    const { users } = await testUsers()
    await users.changes.add('dev-1', 'secret')
    for (const password of ['wrong', '', undefined]) {
      expect(await users.authenticate(credentials('dev-1', password), PEER)).toEqual(WRONG)
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'nobody', '\u001b[2J']) {
      expect(await users.authenticate(credentials(name, 'secret'), PEER)).toEqual(WRONG)
    }
  })

  test('an unknown name by the same way as a wrong password', async () => {
    const { users, hasher } = await testUsers()
    await users.changes.add('anna', ANNA)
    const tasksOf = async (name: string, password: string): Promise<number> => {
      const before = hasher.tasks
      expect(await users.authenticate(credentials(name, password), PEER)).toEqual(WRONG)
      return hasher.tasks - before
    }
    expect(await tasksOf('anna', 'wrong')).toBe(1)
    expect(await tasksOf('nobody', 'wrong')).toBe(1)
    expect(await tasksOf('nobody', 'correct horse')).toBe(1)
  })

  test('many with one password by one check', async () => {
    const { users, hasher } = await testUsers()
    await users.changes.add('anna', ANNA)
    const before = hasher.tasks
    const answers = await Promise.all(Array.from({ length: 500 }, () => answerOf(users, 'anna', 'correct horse')))
    expect(answers.every((answer) => !isRefusal(answer) && answer.user === 'anna')).toBe(true)
    expect(hasher.tasks - before).toBe(1)
  })

  test('so many at once as may wait; the others are told to come again', async () => {
    const { users, hasher } = await testUsers()
    await users.changes.add('anna', ANNA)
    const answers = Array.from({ length: 70 }, (_, i) => answerOf(users, 'anna', `wrong ${i}`, `192.0.2.${i}`))
    const early = await Promise.race(answers)
    expect(early).toMatchObject({ kind: 'busy' })
    expect(hasher.refused).toBe(6)
    await hasher.close()
    expect((await Promise.all(answers)).filter((answer) => isRefusal(answer) && answer.kind === 'busy')).toHaveLength(6)
  })

  test('a secret whatever failed before it, and a password that one can guess only within the limits', async () => {
    const { users } = await testUsers()
    await users.changes.add('anna', ANNA)
    const { secret = '' } = await users.changes.add('dev-1', 'secret')
    expect(await answerOf(users, 'anna', 'correct horse', '192.0.2.1')).toMatchObject({ user: 'anna' })
    for (let i = 0; i < 20; i++) users.limiter.noteFailure('192.0.2.66', `user ${i}`)
    expect(await answerOf(users, 'anna', 'correct horse', '192.0.2.66')).toMatchObject({ kind: 'banned' })
    expect(users.authenticate(credentials('dev-1', secret), { ...PEER, host: '192.0.2.66' })).toMatchObject({
      user: 'dev-1',
    })
    // Of somebody who was there before it is known at once, though others fail behind the same address.
    for (let i = 0; i < 20; i++) users.limiter.noteFailure('192.0.2.1', 'anna')
    const known = users.authenticate(credentials('anna', 'correct horse'), { ...PEER, host: '192.0.2.1' })
    expect(known).toMatchObject({ user: 'anna' })
  })

  test('a certificate by its name, with the groups of the user if there is one', async () => {
    const { users } = await testUsers()
    await users.changes.add('dev-1', 'none', { groups: ['sensors'] })
    const known = users.authenticate(credentials(undefined), certified('dev-1'))
    expect(known).toMatchObject({ user: 'dev-1', groups: ['sensors'], via: 'certificate' })
    const stranger = users.authenticate(credentials(undefined), certified('dev-2'))
    expect(stranger).toMatchObject({ user: 'dev-2', groups: [], role: undefined, via: 'certificate' })
    // A user name is a sign-in of its own.
    expect(await users.authenticate(credentials('anna', 'x'), certified('dev-1'))).toEqual(WRONG)
  })

  test('nobody in particular only where a rule is for the anonymous', async () => {
    const refused = { kind: 'not-authorized', reason: 'a user name is required' }
    const { users } = await testUsers()
    expect(users.authenticate(credentials(undefined), PEER)).toEqual(refused)
    expect(users.authenticate(credentials(''), PEER)).toEqual(refused)
    const { users: open } = await testUsers(undefined, { mayEnter: ({ listener }) => listener === 'mqtt' })
    expect(open.authenticate(credentials(undefined), PEER)).toMatchObject({ user: undefined, via: 'anonymous' })
    expect(open.authenticate(credentials(undefined), { ...PEER, listener: 'other' })).toEqual(refused)
  })
})

describe('Users renew', () => {
  test('an identity with the groups and role that its user has now', async () => {
    const { users } = await testUsers()
    const { secret = '' } = await users.changes.add('dev-1', 'secret', { groups: ['a'] })
    const identity = await users.authenticate(credentials('dev-1', secret), PEER)
    if (isRefusal(identity)) throw new Error(identity.reason)
    expect(users.renew(identity)).toBe(identity)
    await users.changes.change('dev-1', { note: 'in the cellar' })
    expect(users.renew(identity)).toBe(identity)
    await users.changes.change('dev-1', { groups: ['a', 'b'] })
    expect(users.renew(identity)).toEqual({ ...identity, groups: ['a', 'b'] })
  })

  test('a certificate whose user is removed as one of a device without role, groups and rules', async () => {
    const { users } = await testUsers()
    await users.changes.add('boss', 'secret', { role: 'admin' })
    await users.changes.add('anna', 'none', { role: 'admin', groups: ['family'] })
    const identity = await users.authenticate(credentials(undefined), certified('anna'))
    if (isRefusal(identity)) throw new Error(identity.reason)
    expect(identity).toMatchObject({ role: 'admin', groups: ['family'] })
    await users.changes.remove('anna')
    expect(users.renew(identity)).toMatchObject({ user: 'anna', role: undefined, groups: [], ownRules: [] })
  })

  test('no identity whose user is removed, or has another secret', async () => {
    const { users } = await testUsers()
    const { secret = '' } = await users.changes.add('dev-1', 'secret')
    const identity = await users.authenticate(credentials('dev-1', secret), PEER)
    if (isRefusal(identity)) throw new Error(identity.reason)
    await users.changes.newSecret('dev-1')
    expect(users.renew(identity)).toBeUndefined()
    // As of a session that was kept with its user's name.
    expect(users.renew({ ...identity, grant: undefined })).toMatchObject({ user: 'dev-1' })
    await users.changes.remove('dev-1')
    expect(users.renew({ ...identity, grant: undefined })).toBeUndefined()
  })

  test('an identity whose password was only hashed anew, and lets nobody in by the old one after a change', async () => {
    const { users, path } = await testUsers()
    // "correct horse", by 101 rounds of PBKDF2.
    const old = '$7$101$AAECAwQFBgcICQoL$'
    const { pbkdf2Sync } = await import('node:crypto')
    const hash = pbkdf2Sync('correct horse', Buffer.from('000102030405060708090a0b', 'hex'), 101, 64, 'sha512')
    writeFileSync(path, `${HEADER}\n${JSON.stringify({ user: 'anna', password: old + hash.toString('base64') })}\n`)
    await users.load()
    const identity = await users.authenticate(credentials('anna', 'correct horse'), PEER)
    if (isRefusal(identity)) throw new Error(identity.reason)
    await until(
      () => readFileSync(path, 'utf8').includes('$scrypt$'),
      () => 'a stronger hash',
    )
    await until(
      () => users.find('anna')?.scram !== undefined,
      () => 'the hub to have it',
    )
    expect(users.renew(identity)).toBe(identity)
    expect(users.authenticate(credentials('anna', 'correct horse'), PEER)).toMatchObject({ user: 'anna' })
    await users.changes.setPassword('anna', Buffer.from('battery staple'))
    expect(users.renew(identity)).toBeUndefined()
    expect(await users.authenticate(credentials('anna', 'correct horse'), PEER)).toEqual(WRONG)
  })
})

describe('Users know who has signed in', () => {
  test('until the password is changed or the user removed', async () => {
    let nowMs = 1000
    const { users } = await testUsers(undefined, { nowMs: () => nowMs })
    await users.changes.add('anna', ANNA)
    expect(users.identityOf('anna', 2000, PEER)).toMatchObject({ user: 'anna', role: 'admin', via: 'cookie' })
    nowMs = 3000
    await users.changes.change('anna', { note: 'mother' })
    expect(users.identityOf('anna', 2000, PEER)).toMatchObject({ user: 'anna' })
    await users.changes.setPassword('anna', Buffer.from('battery staple'))
    expect(users.identityOf('anna', 2000, PEER)).toBeUndefined()
    expect(users.identityOf('anna', 3000, PEER)).toMatchObject({ user: 'anna' })
    await users.changes.remove('anna')
    expect(users.identityOf('anna', 3000, PEER)).toBeUndefined()
  })
})

describe('Users of a running hub', () => {
  test('are those of the file soon after another has changed it', async () => {
    const { users, path } = await testUsers()
    users.watch()
    const { users: others } = await testUsers(path)
    const { secret = '' } = await others.changes.add('dev-1', 'secret')
    await until(
      () => users.find('dev-1') !== undefined,
      () => 'the hub to know dev-1',
    )
    expect(users.authenticate(credentials('dev-1', secret), PEER)).toMatchObject({ user: 'dev-1' })
  })

  test('stay when the file breaks or goes, and the log says why once', async () => {
    const faults: string[] = []
    const { users, path, lines } = await testUsers(undefined, { failed: (error) => faults.push(error.message) })
    await users.changes.add('dev-1', 'secret')
    users.watch()
    writeFileSync(path, `${HEADER}\n{"user":"dev-1"`)
    await users.reload()
    rmSync(path)
    await users.reload()
    await users.reload()
    expect(faults).toEqual([
      'Cannot use users.ndjson:2: a line must be a user as JSON on one line, such as {"user":"anna"}; this cannot be read',
      'Cannot use users.ndjson: it must be there while the hub has users, it is gone',
    ])
    expect(lines.filter((line) => line.startsWith('users not reloaded'))).toHaveLength(2)
    expect(users.find('dev-1')).toBeDefined()
    expect(users.isEmpty).toBe(false)
  })

  test('are never taken for none, though the last one is removed', async () => {
    const { users } = await testUsers()
    expect(users.isEmpty).toBe(true)
    await users.changes.add('anna', ANNA)
    await users.changes.remove('anna')
    expect([...users.all()]).toEqual([])
    expect(users.isEmpty).toBe(false)
    expect(users.authenticate(credentials(undefined), PEER)).toMatchObject({ kind: 'not-authorized' })
  })

  test('have a file that only its owner may read', async () => {
    const { users, path } = await testUsers()
    writeFileSync(path, `${HEADER}\n`, { mode: 0o644 })
    await users.changes.add('dev-1', 'secret')
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('are seen and failed', async () => {
    const { users } = await testUsers(undefined, { nowMs: () => 1000 })
    const { secret = '' } = await users.changes.add('dev-1', 'secret')
    await users.authenticate(credentials('dev-1', 'wrong'), PEER)
    expect(users.sightings.of('dev-1')).toMatchObject({
      failures: 1,
      lastFailureHost: PEER.host,
      lastSeenAtMs: undefined,
    })
    await users.authenticate(credentials('dev-1', secret), PEER)
    expect(users.sightings.of('dev-1')).toMatchObject({ failures: 0, lastFailureAtMs: 1000, lastSeenAtMs: 1000 })
    expect(users.sightings.of('__proto__')).toMatchObject({ failures: 0 })
  })
})

async function signIn(users: Users, name: string, password: string) {
  const client = new ScramClient(name, password)
  const server = users.signInByScram('client-1', PEER)
  const first = await server.first(client.first)
  if ('kind' in first) return first
  const answer = await server.final(client.final(first))
  if (isScramSuccess(answer)) expect(client.isServer(answer.message)).toBe(true)
  return answer
}

/** What the hub says to a name of salt and rounds. */
async function lookOf(users: Users, name: string): Promise<string> {
  const first = await users.signInByScram(undefined, PEER).first(new ScramClient(name, '').first)
  if ('kind' in first) throw new Error(first.reason)
  return Buffer.from(first)
    .toString()
    .replace(/^r=[^,]+,/, '')
}

describe('Users by SCRAM', () => {
  test('are let in by a password or a secret that never travels', async () => {
    const { users, hasher } = await testUsers()
    await users.changes.add('anna', ANNA)
    const { secret = '' } = await users.changes.add('dev-1', 'secret')
    const before = hasher.tasks
    expect(await signIn(users, 'anna', 'correct horse')).toMatchObject({ identity: { user: 'anna', role: 'admin' } })
    expect(await signIn(users, 'dev-1', secret)).toMatchObject({ identity: { user: 'dev-1', clientId: 'client-1' } })
    expect(await signIn(users, 'anna', 'battery staple')).toEqual(WRONG)
    expect(hasher.tasks).toBe(before)
  })

  test('that nobody is look like any, also after a restart', async () => {
    const { users, path } = await testUsers()
    await users.changes.add('anna', ANNA)
    const look = await lookOf(users, 'nobody')
    const known = await lookOf(users, 'anna')
    expect(look).not.toBe(known)
    expect(look.replace(/s=[^,]+/, '')).toBe(known.replace(/s=[^,]+/, ''))
    expect(look).toHaveLength(known.length)
    const { users: restarted } = await testUsers(path)
    expect(await lookOf(restarted, 'nobody')).toBe(look)
    expect(await signIn(users, 'nobody', 'correct horse')).toEqual(WRONG)
  })

  test('have no more guesses by many that are begun at once, or from where the user got in before', async () => {
    const { users } = await testUsers()
    await users.changes.add('anna', ANNA)
    expect(await signIn(users, 'anna', 'correct horse')).toMatchObject({ identity: { user: 'anna' } })
    const begun = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const client = new ScramClient('anna', 'battery staple')
        const server = users.signInByScram(undefined, PEER)
        const first = await server.first(client.first)
        if ('kind' in first) throw new Error(first.reason)
        return { server, proof: client.final(first) }
      }),
    )
    const answers = await Promise.all(begun.map(({ server, proof }) => server.final(proof)))
    const kinds = answers.map((answer) => ('kind' in answer ? answer.kind : 'let in'))
    expect(kinds.filter((kind) => kind === 'wrong')).toHaveLength(8)
    expect(kinds.filter((kind) => kind === 'banned')).toHaveLength(32)
    expect(await signIn(users, 'anna', 'battery staple')).toMatchObject({ kind: 'banned' })
  })

  test('who have another password by the end of it are not let in', async () => {
    const { users } = await testUsers()
    await users.changes.add('anna', ANNA)
    const client = new ScramClient('anna', 'correct horse')
    const server = users.signInByScram(undefined, PEER)
    const first = await server.first(client.first)
    if ('kind' in first) throw new Error(first.reason)
    await users.changes.setPassword('anna', Buffer.from('battery staple'))
    expect(await server.final(client.final(first))).toEqual(WRONG)
  })

  test('are refused a message out of order', async () => {
    const { users } = await testUsers()
    const malformed = { kind: 'wrong', reason: 'a SCRAM message could not be read' }
    const server = users.signInByScram(undefined, PEER)
    expect(await server.final(Buffer.from('c=biws'))).toEqual(malformed)
    await server.first(new ScramClient('anna', '').first)
    expect(await server.first(new ScramClient('anna', '').first)).toEqual(malformed)
  })
})
