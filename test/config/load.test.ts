import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import * as fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import type { Completed } from '../../src/config/complete.ts'
import { environmentName, flagName } from '../../src/config/option.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { isBoolean } from '../../src/config/schema.ts'
import { formatValue } from '../../src/config/value-text.ts'
import { HubbubError } from '../../src/base/errors.ts'
import { loadConfigOf } from '../support/load-config.ts'
import { plainConfig } from '../support/plain-config.ts'
import { runs } from '../support/runs.ts'

/** What YAML is made of, and what it trips over. */
const PIECES = [
  ...Array.from('?[]{},|>"\'#%~@`\\:\t\n\r\u0000\uFEFF😀'),
  '  ',
  ' ',
  '- ',
  '&a ',
  '*a',
  '!t ',
  '---\n',
  '...\n',
  '<<',
  'port',
  'limits',
  '1883',
  'null',
]

let cwd = mkdtempSync(join(tmpdir(), 'hubbub-load-'))
beforeEach(() => {
  rmSync(cwd, { recursive: true })
  cwd = mkdtempSync(join(tmpdir(), 'hubbub-load-'))
})
afterAll(() => rmSync(cwd, { recursive: true }))

interface Sources {
  readonly argv?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** The text of `hubbub.yaml`. */
  readonly yaml?: string
}

function load({ argv = [], env = {}, yaml }: Sources): Completed {
  if (yaml !== undefined) writeFileSync(join(cwd, 'hubbub.yaml'), yaml)
  return loadConfigOf(argv, { env, cwd })
}

/** The lines of the error, and its code before them. */
function faults(sources: Sources): readonly string[] {
  try {
    load(sources)
  } catch (error) {
    if (error instanceof HubbubError) return [error.code, ...error.message.split('\n')]
    throw error
  }
  return []
}

describe('loadConfig', () => {
  test('gives the defaults when nothing is configured', () => {
    const { config, origins } = load({})
    expect(plainConfig(config)).toEqual({
      users: { file: null, passwordFile: null },
      jwt: {
        key: null,
        audience: null,
        issuer: null,
        userClaim: 'sub',
        groupsClaim: 'groups',
        rulesClaim: 'access',
        roleClaim: null,
      },
      access: { rules: [], groups: {}, partial: 'refuse', aclFile: null, observe: true },
      host: 'localhost',
      port: 1883,
      httpPort: 8080,
      listeners: [],
      data: './data',
      durability: 'disk',
      logLevel: 'info',
      watchConfig: false,
      allowAnonymous: false,
      websocket: { origins: [], pingSeconds: 30 },
      sharedSubscriptions: { strategy: 'round-robin' },
      http: { enabled: true, basePath: '/', publicUrl: '', probes: 'loopback' },
      dashboard: { enabled: true },
      sysIntervalSeconds: 10,
      limits: {
        receiveMaximum: 100,
        memory: null,
        maxTopicAliases: 100,
        maxTopicAliasesSent: 0,
        maxKeepAliveSeconds: Infinity,
        maxPacketBytes: 16 * 1_048_576,
        maxConnectPacketBytes: 65_536,
        connectTimeoutSeconds: 10,
        maxConnections: 100_000,
        maxConnectionsPerAddress: Infinity,
        maxTopicBytes: 65_535,
        maxTopicLevels: 200,
        maxSubscriptionsPerClient: Infinity,
        maxInflightMessages: 100,
        maxQueuedMessages: 10_000,
        queuePolicy: 'drop-oldest',
        maxMessageExpirySeconds: Infinity,
        maxSessionExpirySeconds: Infinity,
        outputPolicy: 'drop',
        maxPublishRate: Infinity,
        maxQueuedBytes: 16 * 1_048_576,
        maxOutputBytes: 1_048_576,
        maxRetainedMessages: 1_000_000,
        maxRetainedBytes: 1_073_741_824,
        maxTopics: 250_000,
        maxTopicMemoryBytes: 128 * 1024 ** 2,
      },
      history: {
        enabled: true,
        maxBytes: 2_147_483_648,
        maxDays: 7,
        qos0PerSecondPerTopic: 20,
        qos0PerSecond: 2000,
        qos0BytesPerSecond: 2_097_152,
        qos0BytesPerSecondPerTopic: 65_536,
        maxMessagesPerSecond: 20_000,
        rules: [],
      },
    })
    expect(new Set(origins.values())).toEqual(new Set(['default']))
    expect([...origins.keys()]).toEqual(OPTIONS.map((option) => option.key))
  })

  test('lets flags win over the environment, that over the file, and that over defaults', () => {
    const { config, origins } = load({
      yaml: 'port: 1\nhttpPort: 1\nlimits:\n  maxTopicLevels: 5\n',
      env: { HUBBUB_PORT: '2', HUBBUB_HTTP_PORT: '2' },
      argv: ['--port', '3'],
    })
    expect(config).toMatchObject({ port: 3, httpPort: 2, limits: { maxTopicLevels: 5, maxTopicBytes: 65_535 } })
    const keys = ['port', 'httpPort', 'limits.maxTopicLevels', 'limits.maxTopicBytes']
    expect(keys.map((key) => origins.get(key))).toEqual(['--port', 'HUBBUB_HTTP_PORT', 'hubbub.yaml:4', 'default'])
  })

  test.each(OPTIONS.map((option) => [option.key, option] as const))(
    'takes %s from a file, the environment and a flag',
    (key, option) => {
      const texts: Readonly<Record<string, string>> = {
        host: 'localhost',
        data: 'memory',
        'http.basePath': '/hub',
        'http.publicUrl': 'https://hub.example.org',
        listeners: '[{"kind":"mqtt","port":30},{"kind":"unix","path":"hub.sock"}]',
        'websocket.origins': '["*"]',
        'access.rules': '[{"allow":"publish","topics":"a/#","for":"users"}]',
        'access.groups': '{"family":["anna","otto"]}',
        'access.aclFile': './acl',
        'users.file': './users.ndjson',
        'users.passwordFile': './passwords',
        'jwt.key': './keys.pem',
        'jwt.audience': 'hubbub',
        'jwt.issuer': 'https://sign-in.example',
        'jwt.userClaim': 'name',
        'jwt.groupsClaim': 'roles',
        'jwt.rulesClaim': 'rules',
        'jwt.roleClaim': 'role',
        'history.maxBytes': '16777216',
        'history.qos0BytesPerSecondPerTopic': '2048',
        'limits.maxTopicMemoryBytes': '2097152',
        'limits.memory': '33554432',
        'history.rules': '[{"filter":"a/#","record":false},{"filter":"+/b","maxDays":0.5,"maxBytes":"1 MiB"}]',
      }
      const numberText = key.endsWith('Bytes') ? '1024' : '30'
      const usual =
        'enum' in option.schema
          ? formatValue(option.schema, option.default)
          : isBoolean(option.schema)
            ? 'true'
            : numberText
      const inFile = texts[key] ?? usual
      const inText = key === 'websocket.origins' ? '*' : inFile
      const [section, name] = key.split('.')
      const expected = load({ yaml: name === undefined ? `${key}: ${inFile}` : `${section}:\n  ${name}: ${inFile}` })
      rmSync(join(cwd, 'hubbub.yaml'))
      const variable = load({ env: { [environmentName(key)]: inText } })
      const flag = load({ argv: [`--${flagName(key)}=${inText}`] })
      expect(expected.origins.get(key)).toBe(`hubbub.yaml:${name === undefined ? 1 : 2}`)
      expect(variable.origins.get(key)).toBe(environmentName(key))
      expect(flag.origins.get(key)).toBe(`--${flagName(key)}`)
      expect(plainConfig(variable.config)).toEqual(plainConfig(expected.config))
      expect(plainConfig(flag.config)).toEqual(plainConfig(expected.config))
    },
  )

  test('gives each rule of a list the form that code uses', () => {
    const yaml =
      'history:\n  rules:\n    - filter: a/#\n      maxMessages: null\n    - {filter: "#", maxBytes: 1 MiB, record: false}\n'
    expect(load({ yaml }).config.history.rules).toEqual([
      { filter: 'a/#', maxMessages: Infinity },
      { filter: '#', maxBytes: 1_048_576, record: false },
    ])
  })

  test('names the line of a listener that does not go with the others', () => {
    const yaml =
      'listeners:\n  - kind: mqtt\n  - kind: mqtts\n    certificate: a.pem\n    proxyProtocol: true\n  - kind: mqtt\n'
    expect(faults({ yaml, env: { HUBBUB_PORT: '1' } }).toSorted()).toEqual([
      'CONFIG_INVALID',
      'Cannot use HUBBUB_PORT: port is the short form of a listener, and counts only without listeners (hubbub.yaml:1): leave one of them out',
      'Cannot use hubbub.yaml:3: listeners[1].key must be a PEM file, it is missing; "hubbub cert" makes one to try',
      'Cannot use hubbub.yaml:3: listeners[1].trustedProxies must be a list of the addresses of the proxies, since anybody else could say any address',
      'Cannot use hubbub.yaml:6: listeners[2] must listen elsewhere than listeners[0], both are at localhost:1883',
      'Cannot use hubbub.yaml:6: listeners[2].name must be one that no other listener has, it is missing: without it the name is the kind, as that of listeners[0]',
    ])
  })

  test('names the place, the key and the value of what is wrong in a list', () => {
    const yaml = `history:
  rules:
    - filter: a/#b
      maxMessages: 0
    - maxDays: 1
    - 7
    - {filter: "+", maxDay: 2, record: maybe}
`
    expect(faults({ yaml })).toEqual([
      'CONFIG_INVALID',
      'Cannot use hubbub.yaml:3: history.rules[0].filter must be a topic filter such as "devices/#", it is "a/#b"',
      'Cannot use hubbub.yaml:4: history.rules[0].maxMessages must be a whole number from 1 to 1000000000 or null, it is 0',
      'Cannot use hubbub.yaml:5: history.rules[1].filter must be a topic filter such as "devices/#", it is missing',
      'Cannot use hubbub.yaml:6: history.rules[2] must be a rule with fields by name, it is 7',
      'Cannot use hubbub.yaml:7: history.rules[3].maxDay is not known; did you mean "maxDays"?',
      'Cannot use hubbub.yaml:7: history.rules[3].record must be true or false, it is "maybe"',
    ])
  })

  test('takes a list as JSON in text, and says when it is none', () => {
    expect(faults({ argv: ['--history-rules', '[{"filter":""}]'], env: { HUBBUB_HISTORY_RULES: 'a/#' } })).toEqual([
      'CONFIG_INVALID',
      'Cannot use --history-rules: history.rules[0].filter must be a topic filter such as "devices/#", it is ""',
      'Cannot use HUBBUB_HISTORY_RULES: history.rules must be a list of rules, it is "a/#"',
    ])
  })

  test('spells a key for the environment and the command line as style.md says', () => {
    expect(environmentName('limits.maxPacketBytes')).toBe('HUBBUB_LIMITS_MAX_PACKET_BYTES')
    expect(flagName('limits.maxPacketBytes')).toBe('limits-max-packet-bytes')
  })

  test('gives an object that nobody can change', () => {
    const { config } = load({ argv: ['--websocket-origins=*'] })
    for (const part of [config, config.limits, config.websocket, config.websocket.origins]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test('reports all mistakes of all sources at once, each with its place', () => {
    expect(
      faults({
        yaml: 'listners: 1\nport: 1883\nlimits:\n  maxPacketBytes: -1\n',
        env: { HUBBUB_HTTP_PORT: 'abc', HUBBUB_PRT: '1' },
        argv: ['--prot', '4', '--log-level', 'loud'],
      }),
    ).toEqual([
      'CONFIG_INVALID',
      'Cannot use --prot: there is no such flag; did you mean "--port"?',
      'Cannot use --log-level: logLevel must be "fatal", "error", "warn", "info", "debug", "trace" or "silent", it is "loud"',
      'Cannot use HUBBUB_HTTP_PORT: httpPort must be a whole number from 0 to 65535, it is "abc"',
      'Cannot use HUBBUB_PRT: there is no such variable; did you mean "HUBBUB_PORT"?',
      'Cannot use hubbub.yaml:1: there is no option "listners"; did you mean "listeners"?',
      'Cannot use hubbub.yaml:4: limits.maxPacketBytes must be a whole number from 128 to 268435455, it is -1',
    ])
  })

  test('reports a bad value even when a better source replaces it', () => {
    expect(faults({ yaml: 'port: x', argv: ['--port', '1'] })).toHaveLength(2)
  })

  describe('on the command line', () => {
    test('takes --flag=value, lets the last of two count, and sizes and lists as text', () => {
      const argv = [
        '--port=1',
        '--port',
        '2',
        '--limits-max-packet-bytes',
        '2 MiB',
        '--websocket-origins',
        'http://a, http://b:1',
      ]
      expect(load({ argv }).config).toMatchObject({
        port: 2,
        limits: { maxPacketBytes: 2_097_152 },
        websocket: { origins: ['http://a', 'http://b:1'] },
      })
    })

    test('takes null where a file may say null', () => {
      const argv = ['--limits-max-connections=null', '--websocket-ping-seconds=null']
      expect(load({ argv }).config).toMatchObject({
        limits: { maxConnections: Infinity },
        websocket: { pingSeconds: null },
      })
    })

    test.each([
      ['--port', '--host', 'Cannot use --port: it needs a value, as in --port=VALUE'],
      ['--config', undefined, 'Cannot use --config: it needs a value, as in --config=VALUE'],
      ['--port', '-1', 'Cannot use --port: port must be a whole number from 0 to 65535, it is -1'],
      ['--port=', undefined, 'Cannot use --port: port must be a whole number from 0 to 65535, it is ""'],
      [
        '--allow-anonymous=yes',
        undefined,
        'Cannot use --allow-anonymous: allowAnonymous must be true or false, it is "yes"',
      ],
      [
        '--max-packet-bytes=1',
        undefined,
        'Cannot use --max-packet-bytes: there is no such flag; did you mean "--limits-max-packet-bytes"?',
      ],
      ['--httpPort=1', undefined, 'Cannot use --httpPort: there is no such flag; did you mean "--http-port"?'],
      ['-x', undefined, 'Cannot use -x: there is no such flag'],
      ['--json=1', undefined, 'Cannot use --json: it takes no value, it has "1"'],
      ['--__proto__=1', undefined, 'Cannot use --__proto__: there is no such flag'],
    ])('refuses %s %s', (first, second, message) => {
      const [, ...messages] = faults({ argv: second === undefined ? [first] : [first, second] })
      expect(messages).toContain(message)
    })
  })

  describe('in the environment', () => {
    test('leaves variables of others alone', () => {
      expect(faults({ env: { HUBBUBBLE: '1', PATH: '/bin', HUB_PORT: 'x' } })).toEqual([])
    })

    test.each([
      ['HUBBUB_MAX_PACKET_BYTES', 'HUBBUB_LIMITS_MAX_PACKET_BYTES'],
      ['HUBBUB_HTTPPORT', 'HUBBUB_HTTP_PORT'],
      ['HUBBUB_CONFG', 'HUBBUB_CONFIG'],
    ])('refuses %s and suggests %s', (name, meant) => {
      expect(faults({ env: { [name]: '1' } })).toEqual([
        'CONFIG_INVALID',
        `Cannot use ${name}: there is no such variable; did you mean "${meant}"?`,
      ])
    })
  })

  describe('refuses to listen for strangers while there are no users', () => {
    test.each(['0.0.0.0', '::', '192.168.1.7', 'hub.example.org', '::ffff:10.0.0.1'])('on %s', (host) => {
      expect(faults({ argv: ['--host', host] })).toEqual([
        'LISTENER_UNSAFE',
        `Cannot listen on ${host} (host, --host): there are no users, so anyone who reaches that address could ` +
          'connect; add one with "hubbub user add NAME", ask for client certificates (listeners[].clientCertificates: ' +
          'required), allow it with --allow-anonymous (allowAnonymous: true), or listen on 127.0.0.1',
      ])
      expect(load({ argv: ['--host', host, '--allow-anonymous'] }).config.host).toBe(host)
    })

    test('with exit code 2, and among other mistakes', () => {
      const error = new HubbubError('LISTENER_UNSAFE', '')
      expect(error.exitCode).toBe(2)
      const [code, ...messages] = faults({ yaml: 'host: 0.0.0.0\nport: x' })
      expect(code).toBe('CONFIG_INVALID')
      expect(messages).toHaveLength(2)
      expect(messages[1]).toMatch(/^Cannot listen on 0\.0\.0\.0 \(host, hubbub\.yaml:1\): /)
    })

    test('but not when what the user wanted could not be read', () => {
      expect(faults({ argv: ['--host', '0.0.0.0', '--allow-anonymous=yes'] })).toHaveLength(2)
      expect(faults({ argv: ['--host', '0.0.0.0'], yaml: 'allowAnonymous: true\nport: "' })).toHaveLength(2)
    })
  })
})

describe('loadConfig with anything gives a configuration or an error that names the key', () => {
  const key = fc.constantFrom(...OPTIONS.map((option) => option.key))
  const oddText = fc.constantFrom(
    '',
    ' ',
    'null',
    '1e9',
    '.inf',
    'NaN',
    '-0',
    '0x10',
    '64 KiB',
    '١',
    '*',
    '\0',
    'true',
    '[]',
    '{}',
  )
  const text = fc.oneof(fc.string(), oddText, fc.integer().map(String))

  test('as JSON in a file', () => {
    fc.assert(
      fc.property(key, fc.jsonValue(), (path, value) => {
        const [first = '', second] = path.split('.')
        expectConfigOrFault(path, {
          yaml: JSON.stringify({ [first]: second === undefined ? value : { [second]: value } }),
        })
      }),
      { numRuns: runs(300) },
    )
  })

  test('as text in the environment and on the command line', () => {
    fc.assert(
      fc.property(key, text, (path, value) => {
        expectConfigOrFault(path, { env: { [environmentName(path)]: value } })
        expectConfigOrFault(path, { argv: [`--${flagName(path)}=${value}`] })
      }),
      { numRuns: runs(300) },
    )
  })

  test('as pieces of YAML in any order', () => {
    const piece = fc.constantFrom(...PIECES)
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const [code] = faults({ yaml: pieces.join('') })
        expect([undefined, 'CONFIG_INVALID']).toContain(code)
      }),
      { numRuns: runs(400) },
    )
  })
})

function expectConfigOrFault(path: string, sources: Sources): void {
  const [code, ...messages] = faults(sources)
  expect([undefined, 'CONFIG_INVALID', 'LISTENER_UNSAFE']).toContain(code)
  for (const message of messages) expect(message).toContain(path)
  // Of a list, each fault of each item is told.
  const most = ['history.rules', 'listeners', 'websocket.origins'].includes(path) ? Infinity : 1
  expect(messages.length > 0).toBe(code !== undefined)
  expect(messages.length).toBeLessThanOrEqual(most)
}
