import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isRefusal } from '../../../src/auth/identity.ts'
import { makeApiToken } from '../../../src/auth/tokens/api-token.ts'
import { credentials, PEER, testUsers } from '../../support/users.ts'

const HOUR_MS = 3_600_000
const WRONG = { kind: 'wrong', reason: 'the user name or the password is wrong' }

/** Users with an operator, and a clock that the test sets. */
async function withOperator() {
  const clock = { nowMs: Date.parse('2026-01-31T12:00:00Z') }
  const { users, path } = await testUsers(undefined, { nowMs: () => clock.nowMs })
  await users.changes.add('anna', 'secret', { role: 'operator', groups: ['family'] })
  const end = clock.nowMs + HOUR_MS
  const make = (role: 'viewer' | 'operator' | 'admin' | undefined) =>
    users.changes.addToken('anna', { role, expiresAtMs: end })
  return { users, path, clock, end, make }
}

test('a token is its user with at most the role that was said', async () => {
  const { users, end, make } = await withOperator()
  for (const [role, counts] of [
    ['viewer', 'viewer'],
    ['admin', 'operator'],
    [undefined, undefined],
  ] as const) {
    const { token } = await make(role)
    expect(users.authenticate(credentials(undefined, token), PEER)).toMatchObject({
      user: 'anna',
      groups: ['family'],
      role: counts,
      via: 'token',
      expiresAtMs: end,
    })
    // As the password of an MQTT client.
    expect(users.authenticate(credentials('anna', token), PEER)).toMatchObject({ user: 'anna', via: 'token' })
    expect(await users.authenticate(credentials('otto', token), PEER)).toEqual(WRONG)
  }
})

test('a token that nobody has is refused, and is not taken for nobody in particular', async () => {
  const { users } = await testUsers(undefined, { mayEnter: () => true })
  await users.changes.add('anna', 'secret')
  for (const password of [makeApiToken().token, 'hbb_', 'anything']) {
    expect(await users.authenticate(credentials(undefined, password), PEER)).toEqual(WRONG)
  }
  expect(users.limiter.failed).toBe(3)
})

test('a token ends at its time, and before when it is withdrawn', async () => {
  const { users, clock, make } = await withOperator()
  const [first, second] = [await make('viewer'), await make('viewer')]
  const identities = [first, second].map(({ token }) => users.authenticate(credentials(undefined, token), PEER))
  const [a, b] = identities.map((answer) => {
    if (answer instanceof Promise || isRefusal(answer)) throw new Error('the token was refused')
    return answer
  })
  if (a === undefined || b === undefined) throw new Error('there are two')
  await users.changes.removeToken('anna', first.id)
  expect(users.renew(a)).toBeUndefined()
  expect(users.renew(b)).toBe(b)
  expect(await users.authenticate(credentials(undefined, first.token), PEER)).toEqual(WRONG)
  await users.changes.change('anna', { role: undefined })
  expect(users.renew(b)).toEqual({ ...b, role: undefined })
  clock.nowMs += HOUR_MS
  expect(users.renew(b)).toBeUndefined()
  expect(users.authenticate(credentials(undefined, second.token), PEER)).toEqual({
    kind: 'wrong',
    reason: 'the token has ended',
  })
})

test('a token is in no file, and its last use is seen', async () => {
  const { users, path, clock, make } = await withOperator()
  const { token, id } = await make('viewer')
  expect(readFileSync(path, 'utf8')).not.toContain(token.slice(4))
  expect(users.tokenSightings.of(id)).toMatchObject({ lastSeenAtMs: undefined })
  await users.authenticate(credentials(undefined, token), PEER)
  expect(users.tokenSightings.of(id)).toMatchObject({ lastSeenAtMs: clock.nowMs, lastSeenHost: PEER.host })
})

test('a token has an end in the future', async () => {
  const { users, clock } = await withOperator()
  await expect(users.changes.addToken('anna', { role: 'viewer', expiresAtMs: clock.nowMs })).rejects.toThrow(
    'Cannot make a token for "anna": its end must be in the future, it is not',
  )
})

test('a token on a connection of its own stays what it was when users change, and ends when it is withdrawn', async () => {
  const { users, make } = await withOperator()
  const { token, id } = await make('viewer')
  const answer = users.authenticate(credentials(undefined, token), PEER)
  if (answer instanceof Promise || isRefusal(answer)) throw new Error('the token was refused')
  // As a connection has it whose upgrade request has shown the token.
  const copy = { ...answer, clientId: 'page' }
  await users.changes.add('otto', 'secret')
  expect(users.renew(copy)).toMatchObject({ user: 'anna', role: 'viewer' })
  await users.changes.removeToken('anna', id)
  expect(users.renew(copy)).toBeUndefined()
})
