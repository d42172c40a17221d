import { expect, onTestFinished, test } from 'vitest'
import { PasswordHasher } from '../../../src/auth/passwords/password-hasher.ts'

function hasher(): PasswordHasher {
  const made = new PasswordHasher()
  onTestFinished(() => made.close())
  return made
}

test('PasswordHasher knows the password that it hashed, and no other', async () => {
  const passwords = hasher()
  const { hash } = await passwords.make(Buffer.from('correct horse'), 4096)
  expect(await passwords.check(Buffer.from('correct horse'), hash, undefined)).toEqual({ isRight: true })
  expect(await passwords.check(Buffer.from('correct hors'), hash, undefined)).toEqual({ isRight: false })
})
