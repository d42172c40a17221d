import { describe, expect, test } from 'vitest'
import { HubbubError } from '../../../src/base/errors.ts'
import { parseMosquittoPasswords } from '../../../src/auth/passwords/mosquitto-password-file.ts'
import { isPassword, parsePasswordHash } from '../../../src/auth/passwords/password-hash.ts'
import { userNameFault } from '../../../src/auth/users/user.ts'

/** Made by mosquitto_passwd 2.0.11 and by argon2 of Debian, of the passwords beside them. */
const MADE: readonly (readonly [kind: string, hash: string, password: string])[] = [
  [
    '$7$',
    '$7$101$/3pDs45koRNDgGwi$0LHiETuY6UKPhYn8ewAXW86XTlwpVTu+QII2+ULmBAwiAJ17aRiM34o6JLn9eY9YggaoQ8/KtjihU0AbTdcwyA==',
    'geheim',
  ],
  [
    '$6$',
    '$6$NwbPIvTQGSOkWXqB$n4Xfj8GOgC3Qw0/QRUPPK+TSQQYHrt3vvhJrEwwtXpvyqy9k3EJrHMQhqdv6yGfjV0B0mGw0zeX6wpj86UNq0Q==',
    'pass word',
  ],
  [
    '$argon2id$ of one lane',
    '$argon2id$v=19$m=4096,t=3,p=1$c29tZXNhbHRzb21lc2FsdA$6KGVzS/QNa0h5WLyV7x5PAdD3CE9DDrxv6veg3BeeHU',
    'geheim',
  ],
  [
    '$argon2id$ of two lanes',
    '$argon2id$v=19$m=1024,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$jztVnFS8dt+O308QdpeJLN8AGLPi9eS4Rzxpqx3Wv4j/KgVJ2pxM//cIGGY8FYIyST2l155e0DRJuKQ31AHQTA',
    'geheim',
  ],
]

function faultOf(text: string): string {
  try {
    parseMosquittoPasswords(text, 'passwords', userNameFault)
  } catch (error) {
    if (error instanceof HubbubError) return error.message
  }
  return 'none'
}

describe('A hash of another program', () => {
  test.each(MADE)('%s is that of its password', async (_, hash, password) => {
    const stored = parsePasswordHash(hash)
    expect(await isPassword(Buffer.from(password), stored)).toBe(true)
    for (const other of [`${password} `, '', password.toUpperCase()]) {
      expect(await isPassword(Buffer.from(other), stored)).toBe(false)
    }
  })
})

describe('parseMosquittoPasswords', () => {
  test('reads names and hashes, comments and the line ends of Windows', () => {
    const [[, first], [, second]] = [MADE[0] ?? ['', ''], MADE[1] ?? ['', '']]
    const read = parseMosquittoPasswords(`# two\r\nanna:${first}\r\n\n  otto : ${second}\n`, 'passwords', userNameFault)
    expect([...read]).toEqual([
      ['anna', first],
      ['otto', second],
    ])
  })

  test.each([
    ['anna:', 'a line must be a name, a colon and a hash, the hash is missing'],
    ['anna', 'a line must be a name, a colon and a hash, the hash is missing'],
    [':$7$', 'a user name must have a character, it is ""'],
    [
      'anna:geheim',
      'the hash must be one that mosquitto_passwd made: it is none of $scrypt$, $argon2id$, $7$ and $6$, or not complete',
    ],
    ['\u001b[2J:$7$', 'a user name must have no control characters and none that cannot be seen, it is "\\u001b[2J"'],
  ])('refuses %j', (line, fault) => {
    expect(faultOf(`# a comment\n${line}\n`)).toBe(`Cannot use passwords:2: ${fault}`)
  })

  test('refuses a name that is here twice, and no hash is told', () => {
    const [, hash] = MADE[0] ?? ['', '']
    expect(faultOf(`anna:${hash}\nanna:${hash}`)).toBe(
      'Cannot use passwords:2: a user may stand here once, "anna" is here a second time',
    )
    expect(faultOf('anna:marker')).not.toContain('marker')
  })
})

describe('parsePasswordHash refuses what would take all memory or hours:', () => {
  const SALT = 'c29tZXNhbHRzb21lc2FsdA'
  const HASH = '6KGVzS/QNa0h5WLyV7x5PAdD3CE9DDrxv6veg3BeeHU'
  test.each([
    `$argon2id$v=19$m=4294967295,t=3,p=1$${SALT}$${HASH}`,
    `$argon2id$v=19$m=4096,t=4294967295,p=1$${SALT}$${HASH}`,
    `$argon2id$v=19$m=4096,t=3,p=9999$${SALT}$${HASH}`,
    `$argon2id$v=19$m=1,t=3,p=1$${SALT}$${HASH}`,
    `$scrypt$ln=40,r=8,p=1$${SALT}$${HASH}`,
    `$scrypt$ln=14,r=9999999,p=1$${SALT}$${HASH}`,
    `$scrypt$ln=14,r=8,p=9999$${SALT}$${HASH}`,
    `$scrypt$ln=0,r=8,p=1$${SALT}$${HASH}`,
    `$7$4294967295$${SALT}$${HASH}`,
    `$7$0$${SALT}$${HASH}`,
    `$7$101$${SALT}$AAAA`,
    `$6$${SALT}$${'A'.repeat(700)}`,
    '$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
  ])('%s', (text) => {
    expect(() => parsePasswordHash(text)).toThrow(HubbubError)
  })
})
