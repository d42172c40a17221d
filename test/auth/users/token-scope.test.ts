import { expect, test } from 'vitest'
import { isRefusal } from '../../../src/auth/identity.ts'
import { AccessRules } from '../../../src/auth/rules/access-rules.ts'
import { readAccess } from '../../../src/auth/rules/read-access.ts'
import { completeConfig } from '../../../src/config/complete.ts'
import { credentials, PEER, testUsers } from '../../support/users.ts'

/** What anna may do by a token with these rules, where she may all below home/, and hears nothing of the alarm. */
async function viewBy(rules: readonly string[], partial: 'refuse' | 'filter' = 'refuse') {
  const { users } = await testUsers()
  await users.changes.add('anna', 'secret', { role: 'admin' })
  const { token } = await users.changes.addToken('anna', { role: 'viewer', rules, expiresAtMs: Date.now() + 60_000 })
  const identity = await users.authenticate(credentials(undefined, token), PEER)
  if (isRefusal(identity)) throw new Error(identity.reason)
  const { access } = completeConfig({
    access: {
      partial,
      rules: [
        { deny: 'receive', topics: 'home/alarm/#', for: 'everybody' },
        { allow: ['publish', 'receive'], topics: 'home/#', for: 'user anna', maxQos: 1 },
      ],
    },
  })
  return new AccessRules(readAccess(access).ruleSet).viewOf(identity)
}

test('a token without rules may what its user may', async () => {
  const view = await viewBy([])
  expect(view.publish('home/door')).toMatchObject({ isAllowed: true, maxQos: 1, mayRetain: true })
  expect(view.subscribe('home/kitchen/#', false).extent).toBe('all')
})

test('a token with rules may what they and its user both may, and no more', async () => {
  const view = await viewBy([
    '{allow: [publish, receive], topics: [home/kitchen/#, garden/#, home/alarm/#], retain: false}',
  ])
  expect(view.publish('home/kitchen/light')).toMatchObject({ isAllowed: true, maxQos: 1, mayRetain: false })
  expect(view.publish('home/door').isAllowed).toBe(false)
  expect(view.publish('garden/door').isAllowed).toBe(false)
  expect(view.receive('home/kitchen/light').isAllowed).toBe(true)
  expect(view.receive('home/alarm/light').isAllowed).toBe(false)
  expect(view.subscribe('home/kitchen/#', false)).toMatchObject({ extent: 'all', maxQos: 1 })
  expect(view.subscribe('home/#', false).extent).toBe('none')
  expect(view.subscribe('garden/#', false).extent).toBe('none')
  expect(view).toMatchObject({ isUnlimited: false, allowsNothing: false })
})

test('a token with rules hears of a wider filter what both allow, where rules filter', async () => {
  const view = await viewBy(['{allow: receive, topics: [home/kitchen/#, home/alarm/#]}'], 'filter')
  expect(view.subscribe('home/#', false).extent).toBe('some')
  expect(view.subscribe('home/kitchen/+', false).extent).toBe('all')
  expect(view.subscribe('home/alarm/+', false).extent).toBe('none')
})
