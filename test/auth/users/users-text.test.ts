import { describe, expect, test } from 'vitest'
import { HubbubError } from '../../../src/base/errors.ts'
import { formatUser, HEADER, parseUsersText, withoutUser, withUser } from '../../../src/auth/users/users-text.ts'

function parse(...lines: readonly string[]) {
  return parseUsersText(lines.join('\n'), 'users.ndjson', () => [])
}

function faultOf(...lines: readonly string[]): string {
  try {
    parse(...lines)
  } catch (error) {
    if (error instanceof HubbubError) return error.message
  }
  return 'none'
}

describe('parseUsersText refuses', () => {
  test.each([
    [[''], 'users.ndjson: it must begin with the line {"hubbub":"users","version":1}, it is empty'],
    [['{"user":"anna"}'], 'users.ndjson:1: the first line must be {"hubbub":"users","version":1}, it is another'],
    [
      [HEADER, '{"user":"anna"'],
      'users.ndjson:2: a line must be a user as JSON on one line, such as {"user":"anna"}; this cannot be read',
    ],
    [[HEADER, '', '[]'], 'users.ndjson:3: a user must be fields in braces, it is a list'],
    [[HEADER, '{"role":"admin"}'], 'users.ndjson:2: "user" must be the name of the user, it is missing'],
    [[HEADER, '{"user":7}'], 'users.ndjson:2: "user" must be text in quotes, it is of type number'],
    [[HEADER, '{"user":"a","rolle":"admin"}'], 'users.ndjson:2: a user has no field "rolle"; did you mean "role"?'],
    [[HEADER, '{"user":"a","__proto__":{}}'], 'users.ndjson:2: a user has no field "__proto__"'],
    [
      [HEADER, '{"user":"a","role":"Admin"}'],
      'users.ndjson:2: "role" must be viewer, operator, admin or left out, it is "Admin"; did you mean "admin"?',
    ],
    [[HEADER, '{"user":"a"}', '{"user":"a"}'], 'users.ndjson:3: a user may stand here once, "a" is in line 2 already'],
    [
      [HEADER, '{"user":"a\\u001b[2J"}'],
      'users.ndjson:2: a user name must have no control characters and none that cannot be seen, it is "a\\u001b[2J"',
    ],
    [
      [HEADER, '{"user":"\\u202eanna"}'],
      'users.ndjson:2: a user name must have no control characters and none that cannot be seen, it is "\u202eanna"',
    ],
    [[HEADER, '{"user":"a","groups":"x"}'], 'users.ndjson:2: "groups" must be a list of texts, as in ["one", "two"]'],
    [
      [HEADER, '{"user":"a","secretSha256":"abc"}'],
      'users.ndjson:2: "secretSha256" must be a SHA-256 in base64, it is not',
    ],
    [
      [
        HEADER,
        '{"user":"a","password":"$argon2id$v=19$m=4294967295,t=3,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG"}',
      ],
      'users.ndjson:2: "password" must be a hash of a password: Argon2 takes at most 256 MiB here',
    ],
    [
      [HEADER, '{"user":"a","added":"yesterday"}'],
      'users.ndjson:2: "added" must be a time such as 2026-01-31T12:00:00Z, it is "yesterday"',
    ],
    [[HEADER, '{"user":"a","tokens":[{"id":"x y"}]}'], 'users.ndjson:2: "id" of a token must be letters and digits'],
  ])('%j', (lines, fault) => {
    expect(faultOf(...lines)).toBe(`Cannot use ${fault}`)
  })

  test('with a line for each mistake, up to twenty', () => {
    expect(faultOf(HEADER, '{"user":""}', '{"user":"a"}', '{"role":"admin"}').split('\n')).toEqual([
      'Cannot use users.ndjson:2: a user name must have a character, it is ""',
      'Cannot use users.ndjson:4: "user" must be the name of the user, it is missing',
    ])
    const told = faultOf(HEADER, ...Array.from({ length: 100 }, () => '{}')).split('\n')
    expect(told).toHaveLength(21)
    expect(told.at(-1)).toBe('Cannot use users.ndjson: there are more mistakes than these')
  })

  test('a hash without telling it', () => {
    expect(faultOf(HEADER, '{"user":"a","password":"marker"}')).not.toContain('marker')
    expect(faultOf(HEADER, '{"user":"a","password":"marker}')).not.toContain('marker')
    expect(faultOf(HEADER, '{"user":"a","scram":"marker"}')).not.toContain('marker')
  })
})

describe('parseUsersText', () => {
  test('tells of names that people cannot tell apart', () => {
    const { warnings } = parse(
      HEADER,
      '{"user":"anna"}',
      '{"user":"\u0430nna"}',
      '{"user":"Anna"}',
      '{"user":"dev-10"}',
      '{"user":"dev-11"}',
    )
    expect(warnings).toEqual([
      'users.ndjson:3: "\u0430nna" looks like "anna" in line 2',
      'users.ndjson:4: "Anna" looks like "anna" in line 2',
    ])
  })

  test('reads what formatUser wrote', () => {
    const line =
      '{"user":"anna","role":"operator","groups":["family"],"rules":["allow receive home/#"],"note":"mother","added":"2026-01-31T12:00:00.000Z"}'
    const user = parse(HEADER, line).users.get('anna')
    expect(user && formatUser(user)).toBe(line)
  })
})

describe('withUser', () => {
  test('changes one line and leaves those of people', () => {
    const text = `${HEADER}\n# the family\n{"user":"anna", "note":"a"}\n\n{"user":"otto"}\n`
    const parsed = parseUsersText(text, 'users.ndjson', () => [])
    const anna = parsed.users.get('anna')
    if (anna === undefined) throw new Error('there is no anna')
    const added = withUser(text, parsed, { ...anna, name: 'eva' })
    expect(added).toBe(`${text}{"user":"eva","note":"a"}\n`)
    expect(withUser(text, parsed, { ...anna, note: 'b' })).toBe(
      text.replace('{"user":"anna", "note":"a"}', '{"user":"anna","note":"b"}'),
    )
    expect(withoutUser(text, parsed, 'anna')).toBe(`${HEADER}\n# the family\n\n{"user":"otto"}\n`)
  })

  test('begins a file with a key of its own', () => {
    const parsed = parseUsersText(`${HEADER}\n{"user":"anna"}`, 'users.ndjson', () => [])
    const anna = parsed.users.get('anna')
    if (anna === undefined) throw new Error('there is no anna')
    const texts = [1, 2].map(() => withUser('', { ...parsed, lineByName: new Map() }, anna))
    const keys = texts.map((text) => parseUsersText(text, 'users.ndjson', () => []).saltKey)
    expect(keys[0]).toMatch(/^[A-Za-z0-9+/]{22}==$/)
    expect(keys[0]).not.toBe(keys[1])
  })
})
