import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HubbubError } from '../../../src/base/errors.ts'
import { parseMosquittoPasswords } from '../../../src/auth/passwords/mosquitto-password-file.ts'
import { userNameFault } from '../../../src/auth/users/user.ts'
import { readOwnRules } from '../../../src/auth/users/own-rules.ts'
import { formatUser, HEADER, parseUsersText } from '../../../src/auth/users/users-text.ts'
import { runs } from '../../support/runs.ts'
import { credentials, PEER, testFolder, testUsers } from '../../support/users.ts'

/** Reads, or gives the error of the hub that it ends with; anything else is a fault. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    expect(error).toBeInstanceOf(HubbubError)
    return undefined
  }
}

const HASH =
  '$7$101$/3pDs45koRNDgGwi$0LHiETuY6UKPhYn8ewAXW86XTlwpVTu+QII2+ULmBAwiAJ17aRiM34o6JLn9eY9YggaoQ8/KtjihU0AbTdcwyA=='

const value = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.jsonValue(),
  fc.constantFrom(HASH, 'admin', ['a'], '2026-01-31T12:00:00Z'),
)
const line = fc.oneof(
  fc
    .dictionary(
      fc.constantFrom(
        'user',
        'role',
        'groups',
        'password',
        'secretSha256',
        'scram',
        'rules',
        'tokens',
        'note',
        'added',
        '__proto__',
      ),
      value,
    )
    .map((fields) => JSON.stringify(fields)),
  fc.string({ unit: 'binary' }),
  fc.json(),
)

describe('Files of anything', () => {
  test('are users or an error with a place, and users are written as they are read', () => {
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const parsed = attempt(() => parseUsersText([HEADER, ...lines].join('\n'), 'users.ndjson', readOwnRules))
        for (const user of parsed?.users.values() ?? []) {
          expect(userNameFault(user.name)).toBeUndefined()
          const again = parseUsersText(`${HEADER}\n${formatUser(user)}`, 'users.ndjson', readOwnRules)
          expect(again.users.get(user.name)).toEqual(user)
        }
      }),
      { numRuns: runs(500) },
    )
  })

  test('are passwords of Mosquitto or an error, without a hash in it', () => {
    const entry = fc.tuple(
      fc.string({ unit: 'binary' }),
      fc.oneof(fc.string(), fc.constant(HASH), fc.constant('$7$marker')),
    )
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            entry.map((parts) => parts.join(':')),
            fc.string(),
          ),
        ),
        (lines) => {
          try {
            for (const name of parseMosquittoPasswords(lines.join('\n'), 'passwords', userNameFault).keys()) {
              expect(userNameFault(name)).toBeUndefined()
            }
          } catch (error) {
            expect(error).toBeInstanceOf(HubbubError)
            expect(String(error)).not.toContain('$7$marker')
          }
        },
      ),
      { numRuns: runs(500) },
    )
  })

  test('that end anywhere are either whole lines or an error', () => {
    const text = `${HEADER}\n{"user":"anna","role":"admin"}\n{"user":"otto"}\n`
    for (let length = 0; length < text.length; length++) {
      const parsed = attempt(() => parseUsersText(text.slice(0, length), 'users.ndjson', readOwnRules))
      expect([undefined, 0, 1, 2]).toContain(parsed?.users.size)
      if (parsed !== undefined) expect(text.slice(0, length)).toMatch(/\}\n*$/)
    }
  })
})

describe('Credentials of anything', () => {
  test('let nobody in, and nothing throws', async () => {
    const { users } = await testUsers(undefined)
    await users.changes.add('dev-1', 'secret')
    let host = 0
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('dev-1', '__proto__', 'x'.repeat(65_535))), {
          nil: undefined,
        }),
        fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
        async (userName, password) => {
          const peer = { ...PEER, host: `2001:db8:${(host++).toString(16)}::1` }
          const answer = await users.authenticate({ userName, password, clientId: undefined }, peer)
          expect(answer).toHaveProperty('kind')
        },
      ),
      // Each failure waits for a tick.
      { numRuns: runs(40) },
    )
  })

  test('are in no line of the log and no error', async () => {
    const path = join(testFolder(), 'users.ndjson')
    const { users, lines } = await testUsers(path)
    await users.changes.add('anna', { password: Buffer.from('marker-one-two') })
    const { secret = '' } = await users.changes.add('dev-1', 'secret')
    const { token } = await users.changes.addToken('anna', { role: 'viewer', expiresAtMs: Date.now() + 1000 })
    for (const password of ['marker-one-two', 'marker-wrong', secret, token]) {
      for (const name of [undefined, 'anna']) {
        const answer = await users.authenticate(credentials(name, password), PEER)
        expect(JSON.stringify(answer)).not.toContain(password)
      }
    }
    users.watch()
    writeFileSync(path, `${HEADER}\n{"user":"anna","password":"marker-hash"}`)
    await users.reload()
    expect(lines).not.toHaveLength(0)
    for (const hidden of ['marker', secret, token]) expect(lines.join('\n')).not.toContain(hidden)
  })
})
