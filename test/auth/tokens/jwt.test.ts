import { createHmac, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import { type JWTPayload, SignJWT } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isRefusal } from '../../../src/auth/identity.ts'
import { checkJwt } from '../../../src/auth/tokens/check-jwt.ts'
import { isJwtFault, type JwtSettings, JwtVerifier } from '../../../src/auth/tokens/jwt.ts'
import { parseJwtKeys } from '../../../src/auth/tokens/jwt-keys.ts'
import { keySource } from '../../../src/auth/tokens/key-source.ts'
import { completeConfig } from '../../../src/config/complete.ts'
import { runs } from '../../support/runs.ts'
import { collectingLog, credentials, PEER, testFolder, testUsers } from '../../support/users.ts'

const NOW_MS = Date.parse('2026-01-31T12:00:00Z')
const NOW = NOW_MS / 1000
const HOUR = 3600
const SECRET = 'a secret that is long enough for HS256'
const SETTINGS: JwtSettings = {
  audience: 'hubbub',
  issuer: null,
  userClaim: 'sub',
  groupsClaim: 'groups',
  rulesClaim: 'access',
  roleClaim: 'role',
}
const GOOD: JWTPayload = { sub: 'anna', aud: 'hubbub', exp: NOW + HOUR }

interface Signing {
  readonly alg: string
  readonly key: KeyObject | Uint8Array
  readonly kid?: string
}

const BY_SECRET: Signing = { alg: 'HS256', key: Buffer.from(SECRET) }

function sign(claims: JWTPayload, { alg, key, kid }: Signing = BY_SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key)
}

/** A token put together by hand: a library would not make it. */
function handmade(header: object, claims: object, secret: string | Buffer): string {
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

async function verifier(keys: string, settings: Partial<JwtSettings> = {}) {
  const path = join(testFolder(), 'keys')
  writeFileSync(path, keys)
  const { log, lines } = collectingLog()
  const clock = { nowMs: NOW_MS }
  const jwt = new JwtVerifier(
    { ...SETTINGS, ...settings },
    keySource('keys', path, log, () => clock.nowMs),
    () => clock.nowMs,
  )
  onTestFinished(() => jwt.stop())
  await jwt.start()
  return { jwt, path, lines, clock }
}

const PAIRS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

describe('A JSON Web Token', () => {
  test('is a user with groups, a role, rules and an end', async () => {
    const { jwt } = await verifier(SECRET)
    const claims = {
      ...GOOD,
      groups: ['family', 'cellar'],
      role: 'operator',
      access: [{ allow: 'publish', topics: 'home/#' }],
    }
    expect(await jwt.verify(await sign(claims))).toMatchObject({
      user: 'anna',
      groups: ['family', 'cellar'],
      role: 'operator',
      ownRules: [{ isAllow: true }],
      // Clocks may differ by a minute.
      expiresAtMs: NOW_MS + (HOUR + 60) * 1000,
    })
  })

  test.each(Object.entries(PAIRS))('may be signed by %s', async (alg, { publicKey, privateKey }) => {
    for (const keys of [pemOf(publicKey), JSON.stringify(publicKey.export({ format: 'jwk' }))]) {
      const { jwt } = await verifier(keys)
      expect(await jwt.verify(await sign(GOOD, { alg, key: privateKey }))).toMatchObject({ user: 'anna' })
    }
  })

  test('may have its names in other claims, also within others', async () => {
    const settings = { userClaim: 'preferred_username', groupsClaim: 'realm_access.roles', roleClaim: null }
    const { jwt } = await verifier(SECRET, settings)
    const claims = {
      ...GOOD,
      sub: 'f3',
      preferred_username: 'anna',
      realm_access: { roles: ['family'] },
      role: 'admin',
    }
    expect(await jwt.verify(await sign(claims))).toMatchObject({ user: 'anna', groups: ['family'], role: undefined })
  })

  test('may be a minute beside the clock, and no more', async () => {
    const { jwt } = await verifier(SECRET)
    const isGood = async (claims: JWTPayload): Promise<boolean> =>
      !isJwtFault(await jwt.verify(await sign({ ...GOOD, ...claims })))
    expect(await isGood({ exp: NOW - 59 })).toBe(true)
    expect(await isGood({ exp: NOW - 61 })).toBe(false)
    expect(await isGood({ nbf: NOW + 60 })).toBe(true)
    expect(await isGood({ nbf: NOW + 62 })).toBe(false)
  })

  test.each<[string, JWTPayload]>([
    ['for another program', { ...GOOD, aud: 'other' }],
    ['for nobody', { sub: 'anna', exp: NOW + HOUR }],
    ['without an end', { sub: 'anna', aud: 'hubbub' }],
    ['without a user', { aud: 'hubbub', exp: NOW + HOUR }],
    ['with a user that is no text', { ...GOOD, sub: '' }],
    ['with a user name that cannot be seen', { ...GOOD, sub: 'an\u202ena' }],
    ['with groups that are no list', { ...GOOD, groups: { a: 1 } }],
    ['with a group that has no name', { ...GOOD, groups: [''] }],
    ['with rules that cannot be read', { ...GOOD, access: [{ alow: 'publish', topics: '#' }] }],
  ])('%s is refused', async (_, claims) => {
    const { jwt } = await verifier(SECRET)
    expect(await jwt.verify(await sign(claims))).toMatchObject({ fault: expect.any(String), isBusy: false })
  })

  test('of another issuer is refused where one is said', async () => {
    const { jwt } = await verifier(SECRET, { issuer: 'https://sign-in.example' })
    expect(await jwt.verify(await sign({ ...GOOD, iss: 'https://sign-in.example' }))).toMatchObject({ user: 'anna' })
    for (const claims of [GOOD, { ...GOOD, iss: 'https://other.example' }]) {
      expect(isJwtFault(await jwt.verify(await sign(claims)))).toBe(true)
    }
  })

  test('with no signature, or one by what everybody knows, is refused', async () => {
    const rsa = pemOf(PAIRS.RS256.publicKey)
    const { jwt } = await verifier(rsa)
    const none = `${handmade({ alg: 'none' }, GOOD, '').split('.').slice(0, 2).join('.')}.`
    expect(jwt.isJwt(none)).toBe(true)
    for (const token of [none, handmade({ alg: 'HS256' }, GOOD, rsa), handmade({ alg: 'HS256' }, GOOD, rsa.trim())]) {
      expect(isJwtFault(await jwt.verify(token))).toBe(true)
    }
    const secret = await verifier(SECRET)
    expect(await secret.jwt.verify(handmade({ alg: 'HS256' }, GOOD, SECRET))).toMatchObject({ user: 'anna' })
    for (const header of [
      { alg: 'none' },
      { alg: 'HS256', crit: ['b64'], b64: true },
      { alg: 'HS256', crit: ['exp'] },
    ]) {
      expect(isJwtFault(await secret.jwt.verify(handmade(header, GOOD, SECRET)))).toBe(true)
    }
    expect(isJwtFault(await secret.jwt.verify(handmade({ alg: 'HS256' }, GOOD, `${SECRET}!`)))).toBe(true)
    expect(isJwtFault(await secret.jwt.verify(`eyJ${'a'.repeat(20_000)}.a.a`))).toBe(true)
  })

  test('that is anything else is refused, and nothing throws', async () => {
    const { jwt } = await verifier(SECRET)
    const part = fc.oneof(
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.object().map((value) => Buffer.from(JSON.stringify({ alg: 'HS256', ...value })).toString('base64url')),
      fc.stringMatching(/^[\w-]*$/),
    )
    await fc.assert(
      fc.asyncProperty(part, part, part, async (header, claims, signature) => {
        expect(isJwtFault(await jwt.verify(`${header}.${claims}.${signature}`))).toBe(true)
      }),
      { numRuns: runs(300) },
    )
  })
})

function faultsOf(key: string, audience: string | null = 'hubbub'): string[] {
  const faults: string[] = []
  checkJwt(completeConfig({ jwt: { key, audience } }), { add: (_, what) => void faults.push(what) })
  return faults
}

describe('Keys of tokens', () => {
  test.each([
    ['a secret of 8 bytes', '12345678', 'a secret must have at least 32 bytes, it has 8'],
    [
      'a secret of 8 bytes as a key',
      '{"kty":"oct","k":"MTIzNDU2Nzg"}',
      'a secret must have at least 32 bytes, it has 8',
    ],
    ['nothing', '', 'a secret must have at least 32 bytes, it has 0'],
    [
      'a private key',
      PAIRS.ES256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'it must be the public key, the private one is for who makes the tokens',
    ],
    [
      'a short RSA key',
      pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      'an RSA key must have at least 2048 bits, it has 1024',
    ],
    [
      'half a key',
      pemOf(PAIRS.ES256.publicKey).slice(0, 90),
      'it must have a key for signatures by HS, RS, PS, ES or EdDSA, it has none',
    ],
    ['half a key set', '{"keys":[', 'it must be a JSON Web Key Set, it is not JSON'],
    ['no keys', '{"keys":[]}', 'it must have a key for signatures by HS, RS, PS, ES or EdDSA, it has none'],
    [
      'a broken key',
      '{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}',
      'it must be a public key or a certificate, it cannot be read',
    ],
  ])('that are %s are refused', (_, text, fault) => {
    expect(() => parseJwtKeys(text)).toThrow(fault)
  })

  test('are used for their own algorithms alone', () => {
    const jwk = { ...PAIRS.RS256.publicKey.export({ format: 'jwk' }), kid: 'a' }
    const set = { keys: [{ ...jwk, alg: 'PS256' }, { ...jwk, use: 'enc' }, { kty: 'new' }, 7] }
    expect(parseJwtKeys(JSON.stringify(set))).toMatchObject([{ id: 'a', algorithms: ['PS256'] }])
    expect(parseJwtKeys(SECRET)).toMatchObject([{ algorithms: ['HS256'] }])
    expect(parseJwtKeys(randomBytes(32).toString('hex'))).toMatchObject([{ algorithms: ['HS256', 'HS384', 'HS512'] }])
  })

  test('of a changed file are taken, and of a broken one not', async () => {
    const { jwt, path, lines } = await verifier(SECRET)
    const token = await sign(GOOD)
    writeFileSync(path, 'short')
    await expect.poll(() => lines.filter((line) => line.startsWith('keys of tokens not reloaded'))).toHaveLength(1)
    expect(await jwt.verify(token)).toMatchObject({ user: 'anna' })
    const other = 'another secret, which is as long as the first'
    writeFileSync(path, other)
    await expect.poll(async () => isJwtFault(await jwt.verify(token))).toBe(true)
    expect(await jwt.verify(await sign(GOOD, { alg: 'HS256', key: Buffer.from(other) }))).toMatchObject({
      user: 'anna',
    })
    expect(lines.join('\n')).not.toContain('short')
  })

  test('may come from a URL with https, or of this machine', () => {
    for (const key of ['https://sign-in.example/keys', 'http://127.0.0.1:8000/keys', 'http://[::1]/keys', 'keys.pem']) {
      expect(faultsOf(key)).toEqual([])
    }
    expect(faultsOf('http://sign-in.example/keys')).toEqual(['it must be a URL with https, it is one with http'])
    expect(faultsOf('https://a:b@sign-in.example/')).toEqual([
      'it must be a URL without a user name and password, it has them',
    ])
    expect(faultsOf('https://')).toEqual(['it must be the path of a file or a URL, it is neither'])
    expect(faultsOf('keys.pem', null)).toHaveLength(1)
  })
})

/** Serves what the test puts in. */
async function provider() {
  const state: { body: string; status: number; asked: number } = { body: '{"keys":[]}', status: 200, asked: 0 }
  const server: Server = createServer((_, response) => {
    state.asked++
    response.writeHead(state.status).end(state.body)
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo
  const { log, lines } = collectingLog()
  const clock = { nowMs: NOW_MS }
  const url = `http://127.0.0.1:${port}/keys`
  const jwt = new JwtVerifier(
    SETTINGS,
    keySource(url, '', log, () => clock.nowMs),
    () => clock.nowMs,
  )
  onTestFinished(() => jwt.stop())
  const serve = (kid: string, key: KeyObject): void => {
    state.body = JSON.stringify({ keys: [{ ...key.export({ format: 'jwk' }), kid }] })
  }
  return { jwt, state, serve, clock, lines }
}

describe('A provider of keys', () => {
  test('may go away and come back with other keys', async () => {
    const { jwt, state, serve, clock, lines } = await provider()
    const [first, second] = [PAIRS.ES256, generateKeyPairSync('ec', { namedCurve: 'P-256' })]
    const [old, young] = [
      await sign({ ...GOOD, exp: NOW + 10 * HOUR }, { alg: 'ES256', key: first.privateKey, kid: '1' }),
      await sign({ ...GOOD, exp: NOW + 10 * HOUR }, { alg: 'ES256', key: second.privateKey, kid: '2' }),
    ]
    serve('1', first.publicKey)
    await jwt.start()
    expect(await jwt.verify(old)).toMatchObject({ user: 'anna' })
    state.status = 503
    clock.nowMs += HOUR * 1000
    expect(await jwt.verify(old)).toMatchObject({ user: 'anna' })
    await expect.poll(() => lines.length).toBe(1)
    expect(lines[0]).toContain('it must answer 200, it answers 503')
    // Tokens with unknown keys do not ask it again and again.
    const { asked } = state
    for (let i = 0; i < 20; i++) expect(isJwtFault(await jwt.verify(young))).toBe(true)
    expect(state.asked).toBe(asked)
    state.status = 200
    serve('2', second.publicKey)
    clock.nowMs += 11_000
    expect(await jwt.verify(young)).toMatchObject({ user: 'anna' })
    expect(isJwtFault(await jwt.verify(old))).toBe(true)
  })

  test('is not followed elsewhere, and gives no secret', async () => {
    const { jwt, state, lines } = await provider()
    state.body = JSON.stringify({ keys: [{ kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }] })
    await jwt.start()
    expect(isJwtFault(await jwt.verify(await sign(GOOD)))).toBe(true)
    expect(lines[0]).toContain('a secret cannot be public')
    expect(lines[0]).not.toContain(Buffer.from(SECRET).toString('base64url'))
  })
})

describe('Users take a JSON Web Token', () => {
  test('as the password and as a bearer, until it ends', async () => {
    const { jwt } = await verifier(SECRET)
    const clock = { nowMs: NOW_MS }
    const { users } = await testUsers(undefined, { jwt, nowMs: () => clock.nowMs })
    expect(users.isEmpty).toBe(false)
    const token = await sign({ ...GOOD, groups: ['family'] })
    const identity = await users.authenticate(credentials(undefined, token), PEER)
    if (isRefusal(identity)) throw new Error(identity.reason)
    expect(identity).toMatchObject({ user: 'anna', groups: ['family'], via: 'token', clientId: 'client-1' })
    expect(await users.authenticate(credentials('anna', token), PEER)).toMatchObject({ user: 'anna' })
    expect(await users.authenticate(credentials('otto', token), PEER)).toMatchObject({ kind: 'wrong' })
    expect(users.renew(identity)).toBe(identity)
    // A user of the file with the same name is another matter.
    await users.changes.add('anna', 'secret', { role: 'admin' })
    expect(users.renew(identity)).toBe(identity)
    clock.nowMs += (HOUR + 60) * 1000
    expect(users.renew(identity)).toBeUndefined()
  })

  test('that is wrong is a failure like any, and the log says why', async () => {
    const { jwt } = await verifier(SECRET)
    const { users } = await testUsers(undefined, { jwt, nowMs: () => NOW_MS })
    const answer = await users.authenticate(credentials(undefined, await sign({ ...GOOD, aud: 'other' })), PEER)
    expect(answer).toMatchObject({ kind: 'wrong', reason: expect.stringContaining('"aud"') })
    expect(users.limiter.failed).toBe(1)
  })
})
