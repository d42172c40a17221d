import { expect, test } from 'vitest'
import { isApiToken, makeApiToken } from '../../../src/auth/tokens/api-token.ts'

test('an API token is known by its form and its checksum', () => {
  const { token, id } = makeApiToken()
  expect(token).toMatch(/^hbb_[0-9A-Za-z]{49}$/)
  expect(id).toMatch(/^[0-9A-Za-z]{8}$/)
  expect(isApiToken(token)).toBe(true)
  const last = token.endsWith('0') ? '1' : '0'
  for (const other of [token.slice(0, -1) + last, token.slice(0, -1), `${token}0`, token.toUpperCase(), 'hbb_', '']) {
    expect(isApiToken(other)).toBe(false)
  }
})

test('API tokens are never the same', () => {
  const tokens = Array.from({ length: 1000 }, () => makeApiToken().token)
  expect(new Set(tokens).size).toBe(1000)
})
