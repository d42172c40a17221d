import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CONFIG_CHECKS } from '../../src/assemble/config-checks.ts'
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
    loadConfig({ flags: [], file: undefined, env: {}, cwd }, undefined, CONFIG_CHECKS)
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
