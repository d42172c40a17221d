import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PasswordFile } from '../../../src/auth/users/password-file.ts'
import { credentials, PEER, testFolder, testUsers } from '../../support/users.ts'

/** mosquitto_passwd 2.0.11 made it of "geheim". */
const GEHEIM =
  '$7$101$/3pDs45koRNDgGwi$0LHiETuY6UKPhYn8ewAXW86XTlwpVTu+QII2+ULmBAwiAJ17aRiM34o6JLn9eY9YggaoQ8/KtjihU0AbTdcwyA=='
const WRONG = { kind: 'wrong', reason: 'the user name or the password is wrong' }

async function withPasswords(text: string) {
  const path = join(testFolder(), 'passwords')
  writeFileSync(path, text)
  return { ...(await testUsers(undefined, { passwordFile: new PasswordFile(path, 'passwords') })), passwords: path }
}

test('users of a password_file come in as devices, and the file stays as it is', async () => {
  const { users, path } = await withPasswords(`otto:${GEHEIM}\n`)
  expect(users.isEmpty).toBe(false)
  expect(await users.authenticate(credentials('otto', 'geheim'), PEER)).toMatchObject({ user: 'otto', role: undefined })
  expect(await users.authenticate(credentials('otto', 'gehei'), PEER)).toEqual(WRONG)
  await expect(users.changes.setPassword('otto', Buffer.from('battery staple'))).rejects.toThrow('there is none')
  expect(path).not.toBe('')
})

test('a user of the users file comes before one of the same name in a password_file', async () => {
  const { users } = await withPasswords(`otto:${GEHEIM}\n`)
  const { secret = '' } = await users.changes.add('otto', 'secret', { groups: ['sensors'] })
  expect(users.authenticate(credentials('otto', secret), PEER)).toMatchObject({ groups: ['sensors'] })
  expect(await users.authenticate(credentials('otto', 'geheim'), PEER)).toEqual(WRONG)
  await users.changes.remove('otto')
  expect(await users.authenticate(credentials('otto', 'geheim'), PEER)).toMatchObject({ groups: [] })
})

test('a changed password_file is taken, and a broken one or none is not', async () => {
  const { users, passwords, lines } = await withPasswords(`otto:${GEHEIM}\n`)
  users.watch()
  writeFileSync(passwords, `eva:${GEHEIM}\n`)
  await users.reload()
  expect(Array.from(users.all(), ({ name }) => name)).toEqual(['eva'])
  writeFileSync(passwords, 'eva:\n')
  await users.reload()
  rmSync(passwords)
  await users.reload()
  expect(Array.from(users.all(), ({ name }) => name)).toEqual(['eva'])
  expect(lines.filter((line) => line.startsWith('users not reloaded'))).toHaveLength(2)
})

test('a password_file that is not there keeps the hub from starting', async () => {
  const passwordFile = new PasswordFile(join(testFolder(), 'passwords'), 'passwords')
  await expect(testUsers(undefined, { passwordFile })).rejects.toThrow('Cannot use passwords: there is no such file')
})
