import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { until } from '../support/guard.ts'
import { type ProcessExit, startProcess, type TestProcess } from '../support/processes.ts'

const CLI = fileURLToPath(new URL('../../dist/hub/main.js', import.meta.url))
const cwd = mkdtempSync(join(tmpdir(), 'hubbub-user-'))
const env = { PATH: process.env['PATH'], HOME: cwd }
afterAll(() => rmSync(cwd, { recursive: true }))

interface Ran {
  readonly code: ProcessExit['code']
  readonly out: string
  readonly err: string
}

/** Runs `hubbub user …` on a data folder of its own name, with `input` at standard input. */
async function user(data: string, input: string, ...args: readonly string[]): Promise<Ran> {
  const started = await startProcess(process.execPath, [CLI, 'user', ...args, '--data', data], { cwd, env })
  started.endInput(Buffer.from(input))
  return ended(started)
}

async function ended(started: TestProcess): Promise<Ran> {
  const { code } = await started.untilExit()
  return { code, out: started.stdout.items.join('\n'), err: started.stderr.items.join('\n') }
}

function fileOf(data: string): string {
  return readFileSync(join(cwd, data, 'users.ndjson'), 'utf8')
}

describe('hubbub user', () => {
  test('adds the first user of a hub that is to serve a network, which starts from then on', async () => {
    const other = ['--host', '0.0.0.0', '--port', '0', '--http-port', '0']
    const hub = async (): Promise<TestProcess> =>
      startProcess(process.execPath, [CLI, ...other, '--data', 'network'], { cwd, env })
    const refused = await ended(await hub())
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toMatch(/no users.*hubbub user add NAME.*clientCertificates.*--allow-anonymous/)
    expect(await user('network', 'correct horse\n', 'add', 'anna', ...other)).toMatchObject({ code: 0, err: '' })
    const started = await hub()
    await started.untilLine(/MQTT +mqtt:\/\/0\.0\.0\.0:/)
    expect(await started.end()).toEqual({ code: 0, signal: null })
  })

  test('adds the first as an admin, with the password from standard input, and a device with a secret', async () => {
    expect((await user('first', '', 'list')).out).toBe(
      'There are no users. Add the first, an admin, with "hubbub user add NAME".',
    )
    const anna = await user('first', 'correct horse\nmore\n', 'add', 'anna')
    expect(anna).toEqual({
      code: 0,
      out: [
        'Added anna with the role admin.',
        'The first user with a password is an admin: it may do everything.',
        'From now on nobody gets in without a user name, unless a rule is for the anonymous.',
      ].join('\n'),
      err: '',
    })
    const device = await user('first', '', 'add', 'dev-1', '--device', '--group', 'sensors, cellar', '--json')
    const { secret, ...added } = JSON.parse(device.out)
    expect(secret).toMatch(/^[0-9A-Za-z]{43}$/)
    expect(added).toMatchObject({ user: 'dev-1', role: null, groups: ['sensors', 'cellar'], hasSecret: true })
    expect(fileOf('first')).not.toContain('correct horse')
    expect(fileOf('first')).not.toContain(secret)
    expect((await user('first', '', 'list')).out).toBe(
      [
        'Name   Role    Groups           Comes with  Note',
        'anna   admin                    password',
        'dev-1  device  sensors, cellar  secret',
      ].join('\n'),
    )
  })

  test('makes a token, lists it without its secret, and withdraws it', async () => {
    await user('token', 'correct horse', 'add', 'anna')
    const made = await user(
      'token',
      '',
      'token',
      'anna',
      '--role',
      'operator',
      '--days',
      '7',
      '--note',
      'grafana',
      '--json',
    )
    const { id, token } = JSON.parse(made.out)
    expect(token).toMatch(/^hbb_/)
    const listed = await user('token', '', 'list', '--json')
    expect(JSON.parse(listed.out)).toMatchObject([
      { user: 'anna', tokens: [{ id, role: 'operator', note: 'grafana' }] },
    ])
    expect(listed.out).not.toContain(token)
    expect(listed.out).not.toMatch(/scrypt|SCRAM|sha256/)
    expect((await user('token', '', 'token', 'anna', '--remove', id)).out).toBe(`Withdrew the token ${id} of anna.`)
    expect(JSON.parse((await user('token', '', 'list', '--json')).out)).toMatchObject([{ tokens: [] }])
  })

  test('changes a password and a secret, and removes', async () => {
    await user('change', 'correct horse', 'add', 'anna')
    await user('change', '', 'add', 'dev-1', '--device')
    const before = fileOf('change').split('\n')
    expect((await user('change', 'battery staple', 'passwd', 'anna')).code).toBe(0)
    expect((await user('change', '', 'passwd', 'dev-1')).out).toContain('dev-1 has another secret.')
    const after = fileOf('change').split('\n')
    expect(after).toHaveLength(before.length)
    expect(after.filter((line) => before.includes(line))).toHaveLength(2)
    expect((await user('change', '', 'remove', 'dev-1')).out).toBe('Removed dev-1. Its connections end.')
  })

  test.each([
    ['short', ['add', 'otto'], 'Cannot set a password: it must have at least 8 characters'],
    ['', ['add', 'otto'], 'Cannot read a password: standard input must have it on its first line, there is nothing'],
    ['', ['add', 'anna'], 'Cannot add "anna": there must be no user of this name, there is one'],
    [
      '',
      ['remove', 'anna'],
      'Cannot remove "anna": there must be an admin while there are users, this is the last one',
    ],
    ['', ['remove', 'nobody'], 'Cannot remove "nobody": there must be a user of this name, there is none'],
    ['', ['passwd', 'nobody'], 'Cannot change "nobody": there must be a user of this name, there is none'],
    [
      '',
      ['add', 'a\u001bb', '--device'],
      'Cannot add "a\\u001bb": a user name must have no control characters and none that cannot be seen',
    ],
    [
      '',
      ['add', 'otto', '--role', 'amdin'],
      'Cannot run "user add": --role must be viewer, operator, admin, it is "amdin"; did you mean "admin"?',
    ],
    ['', ['add', 'otto', '--device', '--rules', '{alow: publish, topics: a}'], 'did you mean "allow"?'],
    [
      '',
      ['token', 'anna', '--days', '0'],
      'Cannot run "user token": --days must be a whole number from 1 to 3650, it is "0"',
    ],
  ])('given %j for %j says what is wrong', async (input, args, fault) => {
    const data = `wrong ${args.join(' ').replaceAll(/[^a-z ]/g, '')} ${input}`
    await user(data, 'correct horse', 'add', 'anna')
    await user(data, '', 'add', 'dev-1', '--device')
    const { code, out, err } = await user(data, input, ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(fault)
  })

  test('needs a file', async () => {
    expect(await user('memory', '', 'list')).toEqual({
      code: 2,
      out: '',
      err: 'hubbub: Cannot run "user list": a users file is required, data is "memory" and users.file is not set; name one with --users-file',
    })
  })

  test('refuses a file with mistakes, and leaves it as it is', async () => {
    const path = join(cwd, 'broken.ndjson')
    writeFileSync(path, '{"hubbub":"users","version":1}\n{"user":"anna","rolle":"admin"}\n')
    const { code, err } = await user('memory', '', 'add', 'dev-1', '--device', '--users-file', path)
    expect(code).toBe(2)
    expect(err).toBe(`hubbub: Cannot use ${path}:2: a user has no field "rolle"; did you mean "role"?`)
    expect(readFileSync(path, 'utf8')).not.toContain('dev-1')
  })

  test('adds many at once, each of them', async () => {
    await Promise.all(['1', '2', '3', '4'].map((i) => user('many', '', 'add', `dev-${i}`, '--device')))
    const { out } = await user('many', '', 'list', '--json')
    const names: unknown = JSON.parse(out)
    expect(names).toEqual(
      expect.arrayContaining(['1', '2', '3', '4'].map((i) => expect.objectContaining({ user: `dev-${i}` }))),
    )
  })

  test('asks twice on a terminal, and shows nothing of the answer', async () => {
    const command = `${process.execPath} ${CLI} user add anna --data terminal`
    const terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd, env: { ...env, TERM: 'xterm' } })
    onTestFinished(() => void terminal.kill('SIGKILL'))
    let shown = ''
    terminal.stdout.on('data', (bytes: Buffer) => {
      shown += bytes.toString()
    })
    for (const question of ['Password for anna: ', 'The same again: ']) {
      await until(
        () => shown.includes(question),
        () => question,
      )
      terminal.stdin.write('correct horse\r')
    }
    await until(
      () => shown.includes('Added anna with the role admin.'),
      () => `the end, not ${shown}`,
    )
    expect(shown).not.toContain('correct')
  })
})
