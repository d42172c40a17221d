import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CONFIG_JUDGES } from '../../src/assemble/config-checks.ts'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { loadConfig } from '../../src/config/load.ts'

test('loadConfig tells what is wrong with access rules beside all other mistakes, each with its line', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'hubbub-checks-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  writeFileSync(
    join(cwd, 'hubbub.yaml'),
    `port: -1
access:
  partial: refuze
  groups:
    family: [anna, otto]
  rules:
    - { allow: publish, topics: 'a/#', for: group family }
    - deny: publish
      topics: a/b
      for: user anna
    - { allow: publish, topics: #
      }
`,
  )
  let message = ''
  try {
    loadConfig({ flags: [], file: undefined, env: {}, cwd }, undefined, CONFIG_JUDGES)
  } catch (error) {
    message = String(error)
  }
  expect(message.split('\n')).toEqual([
    'HubbubError: Cannot use hubbub.yaml:1: port must be a whole number from 0 to 65535, it is -1',
    'Cannot use hubbub.yaml:3: access.partial must be "refuse" or "filter", it is "refuze"',
    `Cannot use hubbub.yaml:11: access.rules[2].topics is empty: "#" begins a comment; put it in quotes: '#'`,
    'Cannot use hubbub.yaml:11: access.rules[2].for must say whom the rule concerns, such as "users" or "user anna", it is missing',
  ])
})

test.each([
  ['acl', 'topic a b\n', 'Cannot use acl:1: a topic with a blank in it needs'],
  ['missing', undefined, 'Cannot use missing: there is no such file (access.aclFile)'],
])('loadConfig tells what is wrong with an acl_file: %s', (name, content, message) => {
  const cwd = mkdtempSync(join(tmpdir(), 'hubbub-checks-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  const path = join(cwd, name)
  if (content !== undefined) writeFileSync(path, content)
  const flags = readCommandLine(['--access-acl-file', path]).options
  expect(() => loadConfig({ flags, file: undefined, env: {}, cwd }, undefined, CONFIG_JUDGES)).toThrow(
    message.replace(name, path),
  )
})
