import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Completed } from '../../src/config/complete.ts'
import { HubbubError } from '../../src/base/errors.ts'
import { loadConfigOf } from '../support/load-config.ts'

let cwd = ''
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'hubbub-file-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function load(argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Completed {
  return loadConfigOf(argv, { env, cwd })
}

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(cwd, name), content)
}

function fault(argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}): string {
  try {
    load(argv, env)
  } catch (error) {
    if (error instanceof HubbubError) return `${error.code} ${error.message}`
    throw error
  }
  return 'none'
}

describe('readConfigFile', () => {
  test.each([
    ['http: false', false, false],
    ['http: true', true, true],
    ['http: { enabled: false }', false, false],
    ['dashboard: false', true, false],
  ])('reads %j as what is served', (text, isHttpEnabled, isDashboardEnabled) => {
    write('hubbub.yaml', text)
    const { http, dashboard } = load().config
    expect([http.enabled, dashboard.enabled]).toEqual([isHttpEnabled, isDashboardEnabled])
  })

  test.each(['hubbub.yaml', 'hubbub.yml', 'hubbub.json'])('reads %s of the working folder', (name) => {
    write(name, '{\n\t"port": 7,\n\t"limits": {\n\t\t"maxQueuedBytes": null\n\t}\n}\n')
    const { config, origins } = load()
    expect(config).toMatchObject({ port: 7, limits: { maxQueuedBytes: Infinity } })
    expect(origins.get('port')).toBe(`${name}:2`)
    expect(origins.get('limits.maxQueuedBytes')).toBe(`${name}:4`)
  })

  test('takes the file of --config over that of HUBBUB_CONFIG over that of the folder', () => {
    write('hubbub.yaml', 'port: 1')
    write('a.yaml', 'port: 2')
    write('b.yaml', 'port: 3')
    expect(load().config.port).toBe(1)
    expect(load([], { HUBBUB_CONFIG: 'a.yaml' }).config.port).toBe(2)
    expect(load(['--config', 'b.yaml'], { HUBBUB_CONFIG: 'a.yaml' }).config.port).toBe(3)
  })

  test('takes YAML and JSON under any name and a path from anywhere', () => {
    mkdirSync(join(cwd, 'etc'))
    write('etc/hub.conf', 'port: 5 # ours\n')
    const absolute = join(cwd, 'etc/hub.conf')
    expect(load(['--config', absolute]).origins.get('port')).toBe(`${absolute}:1`)
    expect(load(['--config', 'etc/hub.conf']).origins.get('port')).toBe('etc/hub.conf:1')
  })

  test.each([
    '',
    '\n',
    '# only a comment\n',
    '---\n',
    'limits:\n',
    '{}',
    '\uFEFF',
    'limits:\n  # maxTopicBytes: 1\nwebsocket: {}\n',
  ])('takes %j as nothing configured', (content) => {
    write('hubbub.yaml', content)
    expect(new Set(load().origins.values())).toEqual(new Set(['default']))
  })

  test.each([
    ['limits: {maxQueuedBytes: 64 KiB}', { limits: { maxQueuedBytes: 65_536 } }],
    ['limits: {maxQueuedBytes: 2GiB}', { limits: { maxQueuedBytes: 2_147_483_648 } }],
    ['limits: {maxQueuedBytes: "4096"}', { limits: { maxQueuedBytes: 4096 } }],
    ['limits: {connectTimeoutSeconds: 0.5}', { limits: { connectTimeoutSeconds: 0.5 } }],
    ['port: 1e3', { port: 1000 }],
    ['host: ::1', { host: '::1' }],
    ['host: LOCALHOST', { host: 'LOCALHOST' }],
    [
      'websocket: {pingSeconds: null, origins: ["*", "null", "file://", "capacitor://localhost"]}',
      { websocket: { pingSeconds: null, origins: ['*', 'null', 'file://', 'capacitor://localhost'] } },
    ],
  ])('understands %s', (content, expected) => {
    write('hubbub.yaml', content)
    expect(load().config).toMatchObject(expected)
  })

  test.each([
    ['- port: 1', '1: a configuration is options by name, such as "port: 1883", it is [{"port":1}]'],
    ['port=1883', '1: a configuration is options by name, such as "port: 1883", it is "port=1883"'],
    ['port: 1\nport: 2', '2: "port" is here a second time'],
    ['{"port": 1,\n "port": 2}', '2: "port" is here a second time'],
    ['port: 1\nlimits:\n  maxTopicBytes: 1\n  maxTopicBytes: 2', '4: "maxTopicBytes" is here a second time'],
    ['port: [1', '1: it must be valid YAML or JSON, there is a mistake: '],
    ['host: "x\n', '2: it must be valid YAML or JSON, there is a mistake: Missing closing "quote'],
    ['limits:\n\tmaxTopicBytes: 1', '2: it must be valid YAML or JSON, there is a mistake: Tabs are not allowed'],
    ['port: !port 1', '1: it must be valid YAML or JSON, there is a mistake: Unresolved tag: !port'],
    ['host: !!binary aGk=', '1: it must be valid YAML or JSON, there is a mistake: Unresolved tag: '],
    [
      '? [port]\n: 1',
      '1: it must be valid YAML or JSON, there is a mistake: With stringKeys, all keys must be strings',
    ],
    ['port: 1\n---\nport: 2', '2: there must be one document, a second one begins here'],
    ['websocket:\n  origins: [*]', '2: text that begins with "*" must be in quotes'],
    ['port: &p 1\nhttpPort: *p', '2: "*" stands for an alias, which cannot be used here'],
    ['http: 5', '1: http must hold options by name, it is 5'],
    ['limits: false', '1: limits must hold options by name, it is false'],
    ['limits: 5', '1: limits must hold options by name, it is 5'],
    ['limits: [1]', '1: limits must hold options by name, it is [1]'],
    ['limts:\n  maxTopicBytes: 1', '1: there is no option "limts"; did you mean "limits"?'],
    ['http-port: 1', '1: there is no option "http-port"; did you mean "httpPort"?'],
    ['maxTopicBytes: 1', '1: there is no option "maxTopicBytes"; did you mean "limits.maxTopicBytes"?'],
    [
      'limits.maxTopicBytes: 1',
      '1: there is no option "limits.maxTopicBytes"; write "limits:" and, indented below it, "maxTopicBytes:"',
    ],
    ['limits: {port: 1}', '1: there is no option "limits.port"; did you mean "port"?'],
    ['__proto__: {port: 1}', '1: there is no option "__proto__"'],
    ['port:', '1: port must be a whole number from 0 to 65535, it is null'],
    ['port: "1883"', '1: port must be a whole number from 0 to 65535, it is "1883"'],
    ['port: 1.5', '1: port must be a whole number from 0 to 65535, it is 1.5'],
    ['port: .nan', '1: port must be a whole number from 0 to 65535, it is NaN'],
    ['port: .inf', '1: port must be a whole number from 0 to 65535, it is Infinity'],
    ['port: {a: 1}', '1: port must be a whole number from 0 to 65535, it is {"a":1}'],
    ['allowAnonymous: yes', '1: allowAnonymous must be true or false, it is "yes"'],
    ['data: ""', '1: data must be a folder, or "memory", it is ""'],
    ['host: ""', '1: host must be an IP address or a host name, it is ""'],
    ['host: mqtt://x', '1: host must be an IP address or a host name, it is "mqtt://x"'],
    [
      'limits: {maxQueuedBytes: 64 KB}',
      '1: limits.maxQueuedBytes must be a whole number from 1024 to 1099511627776 or null, or a size such as "64 KiB", it is "64 KB"',
    ],
    [
      'limits: {maxInflightMessages: 0}',
      '1: limits.maxInflightMessages must be a whole number from 1 to 65535, it is 0',
    ],
    [
      'websocket: {origins: example.org}',
      '1: websocket.origins must be a list of origins as a browser sends them, such as "https://app.example.org", or "*", it is "example.org"',
    ],
    [
      'websocket: {origins: ["*", https://example.org/]}',
      '1: websocket.origins[1] must be an origin as a browser sends it, such as',
    ],
    [
      'websocket: {origins: ["*", https://Example.org]}',
      '1: websocket.origins[1] must be an origin as a browser sends it, such as',
    ],
    [
      'websocket: {origins: ["*", https://example.org:443]}',
      '1: websocket.origins[1] must be an origin as a browser sends it, such as',
    ],
  ])('refuses %j', (content, message) => {
    write('hubbub.yaml', content)
    const text = fault()
    expect(text.startsWith(`CONFIG_INVALID Cannot use hubbub.yaml:${message}`) ? message : text).toBe(message)
    expect(text.split('\n')).toHaveLength(1)
  })

  test('makes 0 of -0', () => {
    write('hubbub.yaml', 'port: -0')
    expect(load().config.port).toBe(0)
  })

  test('keeps a long value out of the message', () => {
    write('hubbub.yaml', `host: "${'!'.repeat(10_000)}"`)
    expect(fault().length).toBeLessThan(200)
  })

  test('says of a file that cannot be read why, and who asked for it', () => {
    mkdirSync(join(cwd, 'folder'))
    expect(fault(['--config=no.yaml'])).toBe(
      'CONFIG_UNREADABLE Cannot read "no.yaml" (--config): there is no such file',
    )
    expect(fault([], { HUBBUB_CONFIG: 'folder' })).toBe(
      'CONFIG_UNREADABLE Cannot read "folder" (HUBBUB_CONFIG): it must be a file, it is a folder',
    )
    expect(fault([], { HUBBUB_CONFIG: '' })).toMatch(/^CONFIG_UNREADABLE Cannot read "" \(HUBBUB_CONFIG\): /)
  })

  test('does not choose between two files of the folder', () => {
    write('hubbub.yaml', 'port: 1')
    write('hubbub.json', '{"port": 2}')
    expect(fault()).toBe(
      'CONFIG_INVALID Cannot use hubbub.json: hubbub.yaml is in the same folder; remove one of them or name one with --config',
    )
    expect(load(['--config', 'hubbub.json']).config.port).toBe(2)
  })

  test('refuses what is not text, too long or without end', () => {
    write('hubbub.yaml', new Uint8Array([0x70, 0xff, 0xfe]))
    expect(fault()).toBe('CONFIG_INVALID Cannot use hubbub.yaml: it must be text in UTF-8, it has bytes that are not')
    write('hubbub.yaml', '#'.repeat(2_100_000))
    expect(fault()).toBe('CONFIG_INVALID Cannot use hubbub.yaml: it must be at most 2097152 bytes, it is longer')
    expect(fault(['--config', '/dev/zero'])).toMatch(/at most 2097152 bytes/)
    expect(load(['--config', '/dev/null']).config.port).toBe(1883)
  })

  test.each(['[', '{a: ', '- ', '? ', 'a: ', '["a",', '&a [', '!a ['])(
    'refuses %j repeated a great many times without exhausting the stack',
    (piece) => {
      write('hubbub.yaml', piece.repeat(40_000))
      expect(fault()).toBe('CONFIG_INVALID Cannot use hubbub.yaml: it is nested deeper than a configuration can be')
    },
  )

  test('refuses what is nested by indentation as deep as the size allows', () => {
    const lines = Array.from({ length: 700 }, (_, depth) => `${' '.repeat(depth)}a:`)
    write('hubbub.yaml', lines.join('\n'))
    expect(fault()).toBe('CONFIG_INVALID Cannot use hubbub.yaml:1: there is no option "a"')
    const more = Array.from({ length: 1900 }, (_, depth) => `${' '.repeat(depth)}a:`)
    write('hubbub.yaml', more.join('\n'))
    expect(fault()).toBe('CONFIG_INVALID Cannot use hubbub.yaml: it is nested deeper than a configuration can be')
  })

  test('takes thousands of flow mappings one after the other', () => {
    write('hubbub.yaml', `access:\n  rules:\n${'    - { allow: publish, topics: ["a"], for: users }\n'.repeat(1000)}`)
    expect(load().origins.get('access.rules')).toBe('hubbub.yaml:2')
  })
})
