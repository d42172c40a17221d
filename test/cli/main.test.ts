import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { helpText, optionsText } from '../../src/cli/help.ts'
import { packagesLoaded, TELL_LOADED } from '../support/bundle.ts'
import { guarded } from '../support/guard.ts'
import { type ProcessExit, startProcess, type TestProcess } from '../support/processes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = join(ROOT, 'dist/hub/main.js')
const ANY_PORTS = ['--port', '0', '--http-port', '0', '--data', 'memory']
const cwd = mkdtempSync(join(tmpdir(), 'hubbub-cli-'))
afterAll(() => rmSync(cwd, { recursive: true }))

/** The environment of the tests without what belongs to a hub, or to vitest. */
const ENVIRONMENT: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: cwd }

function hubbub(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<TestProcess> {
  return startProcess(process.execPath, [CLI, ...args], { cwd, env: { ...ENVIRONMENT, ...env } })
}

/** Has Node run a piece of code before the command, to stand in for a fault that the hub should not have. */
function beforehand(code: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}

async function run(
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<ProcessExit & { out: string; err: string }> {
  const started = await hubbub(args, env)
  const exit = await started.untilExit()
  return { ...exit, out: started.stdout.items.join('\n'), err: started.stderr.items.join('\n') }
}

/** A hub that listens, and the ports that its banner names. */
async function runningHub(args: readonly string[] = [], env?: NodeJS.ProcessEnv) {
  const started = await hubbub([...ANY_PORTS, ...args], env)
  const [, port = ''] = await started.untilLine(/MQTT +mqtt:\/\/localhost:(\d+)/)
  const [, httpPort = ''] = await started.untilLine(/HTTP +http:\/\/localhost:(\d+)/)
  await started.untilLine(/mosquitto_pub/)
  return { started, port, httpPort }
}

async function bash(script: string, env: NodeJS.ProcessEnv = {}): Promise<TestProcess> {
  return startProcess('bash', ['-c', script, CLI], { cwd, env: { ...ENVIRONMENT, ...env } })
}

describe('hubbub tells', () => {
  test.each([[['--help']], [['-h']], [['help']], [['strat', '--help']]])('how to use it: %j', async (args) => {
    const { code, out, err } = await run(args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(`${out}\n`).toBe(helpText())
  })

  test.each([[['config', '-h', '--bogus']], [['config', '--help']], [['help', 'config']]])(
    'how to use a command: %j',
    async (args) => {
      const { code, out, err } = await run(args)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toMatch(/^Usage: hubbub config \[flags\]\n[^]*\n {2}--json\n/)
    },
  )

  test('all options: help options', async () => {
    const { code, out } = await run(['help', 'options'])
    expect(code).toBe(0)
    expect(`${out}\n`).toBe(optionsText())
  })

  test.each([[['--help']], [['explain', '--help']], [['--version']], [['strat']]])(
    '%j without loading a package',
    async (args) => {
      const watch = { NODE_OPTIONS: TELL_LOADED }
      const { err } = await run(args, watch)
      expect(err).toContain('/dist/hub/main.js')
      expect(packagesLoaded(err)).toEqual([])
      // The watch works: this one needs a parser of YAML.
      expect(packagesLoaded((await run(['config'], watch)).err)).toEqual(['yaml'])
    },
  )

  test('its version', async () => {
    const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(await run(['--version'])).toMatchObject({ code: 0, out: `hubbub ${version}`, err: '' })
  })

  test('the effective configuration with the origin of each value', async () => {
    writeFileSync(join(cwd, 'own.yaml'), '# ours\nhttpPort: 9\n')
    const args = ['config', '--config', 'own.yaml', '--port', '7']
    const { code, out } = await run(args, { HUBBUB_LOG_LEVEL: 'warn' })
    expect(code).toBe(0)
    expect(out).toMatch(/^port +7 +--port$/m)
    expect(out).toMatch(/^httpPort +9 +own\.yaml:2$/m)
    expect(out).toMatch(/^logLevel +warn +HUBBUB_LOG_LEVEL$/m)
    expect(out).toMatch(/^host +localhost +default$/m)
  })

  test('the same for a configuration that comes through a pipe, in pieces', async () => {
    const configuration = `<(yes '# more than a pipe holds at once' | head -n 4000; echo 'port: 9')`
    const started = await bash(`node "$0" config --config ${configuration}`)
    expect(await started.untilExit()).toEqual({ code: 0, signal: null })
    expect(started.stdout.items).toContainEqual(expect.stringMatching(/^port +9 +\/dev\/fd\/\d+:4001$/))
  })

  test('the same as JSON that is a configuration file again', async () => {
    const { out } = await run(['config', '--json', '--port', '7'])
    const { config, origins } = JSON.parse(out)
    expect(origins).toMatchObject({ port: '--port', host: 'default' })
    writeFileSync(join(cwd, 'again.json'), JSON.stringify(config))
    const again = await run(['config', '--json', '--config', 'again.json'])
    expect(JSON.parse(again.out).config).toEqual(config)
  })
})

describe('hubbub refuses', () => {
  test.each([
    [['strat'], 'Cannot run "strat": there is no such command; did you mean "start"?'],
    [['start', 'now'], 'Cannot run "start" with "now": it takes flags only'],
    [
      ['--json'],
      'Cannot run "start" with --json: it does not take it; "hubbub help COMMAND" lists what a command takes',
    ],
    [['explain'], 'Cannot run "explain" without a topic: name it, as in "hubbub explain TOPIC"'],
    [['explain', 'a', 'b'], 'Cannot run "explain" with "b": it takes one topic'],
    [['explain', 'a', '--url', 'nowhere'], 'Cannot ask "nowhere": --url must be like http://127.0.0.1:8080'],
    [['start', '--client', 'c'], 'Cannot run "start" with --client: only "explain" and "access explain" take it'],
    [['--prot', '1'], 'Cannot use --prot: there is no such flag; did you mean "--port"?'],
    [['config', '--port', 'x'], 'Cannot use --port: port must be a whole number from 0 to 65535, it is "x"'],
    [['--config', 'no.yaml'], 'Cannot read "no.yaml" (--config): there is no such file'],
  ])('%j with one line and exit code 2', async (args, message) => {
    expect(await run(args)).toMatchObject({ code: 2, out: '', err: `hubbub: ${message}` })
  })

  test('several mistakes with a line each', async () => {
    const { code, err } = await run(['--port', 'x'], { HUBBUB_PRT: '1' })
    expect(code).toBe(2)
    expect(err.split('\n')).toEqual([
      'hubbub: Cannot use --port: port must be a whole number from 0 to 65535, it is "x"',
      'hubbub: Cannot use HUBBUB_PRT: there is no such variable; did you mean "HUBBUB_PORT"?',
    ])
  })

  test('to listen for strangers without --allow-anonymous', async () => {
    const { code, out, err } = await run([...ANY_PORTS, '--host', '0.0.0.0'])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^hubbub: Cannot listen on 0\.0\.0\.0 .*--allow-anonymous/)
    expect(err.split('\n')).toHaveLength(1)
  })

  test.each(['--port', '--http-port'])('a %s that is in use with one line and exit code 1', async (flag) => {
    const other = createServer()
    onTestFinished(() => {
      other.close()
    })
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    })
    const { code, out, err } = await run([...ANY_PORTS, flag, String(port)])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(new RegExp(`^hubbub: Cannot listen on 127\\.0\\.0\\.1:${port}: .*${flag}`))
    expect(err.split('\n')).toHaveLength(1)
  })

  test('an address that this machine does not have with one line and exit code 1', async () => {
    const { code, err } = await run([...ANY_PORTS, '--host', '192.0.2.1', '--allow-anonymous'])
    expect(code).toBe(1)
    expect(err).toMatch(/^hubbub: Cannot listen on 192\.0\.2\.1:0: /)
    expect(err.split('\n')).toHaveLength(1)
  })
})

describe('hubbub start', () => {
  test.each([[[]], [['start']]])('with %j says where it listens and what to try', async (args) => {
    const { started, port, httpPort } = await runningHub(args)
    expect(started.stdout.items).toEqual([
      expect.stringMatching(/^Hubbub \d+\.\d+\.\d+/),
      `  MQTT           mqtt://localhost:${port}`,
      `  HTTP           http://localhost:${httpPort}`,
      `  over WebSocket ws://localhost:${httpPort}/mqtt`,
      '',
      'Try it in another terminal:',
      `  mosquitto_sub -h localhost -p ${port} -t 'hello/#' -v`,
      `  mosquitto_pub -h localhost -p ${port} -t hello/world -m 'Hi'`,
    ])
  })

  test('sends its addresses to a program that started it with a channel, and ends all the same', async () => {
    const hub = fork(CLI, ANY_PORTS, { cwd, env: ENVIRONMENT, execArgv: [], silent: true })
    onTestFinished(() => void hub.kill('SIGKILL'))
    let output = ''
    hub.stdout?.on('data', (text: Buffer) => (output += text.toString()))
    const [addresses]: unknown[] = await guarded(once(hub, 'message'), () => 'the addresses')
    hub.kill('SIGTERM')
    expect(await guarded(once(hub, 'close'), () => 'its end')).toEqual([0, null])
    const [, port] = /mqtt:\/\/localhost:(\d+)/.exec(output) ?? []
    const [, httpPort] = /http:\/\/localhost:(\d+)/.exec(output) ?? []
    expect(addresses).toEqual({
      mqtt: { host: 'localhost', port: Number(port) },
      http: { host: 'localhost', port: Number(httpPort) },
      listeners: [
        { name: 'mqtt', kind: 'mqtt', host: 'localhost', port: Number(port) },
        { name: 'http', kind: 'http', host: 'localhost', port: Number(httpPort) },
      ],
      basePath: '',
    })
  })

  test('listens where a file says, and names each place', async () => {
    const path = join(cwd, 'hub.sock')
    const lines = ['listeners:', '  - { kind: mqtt, name: inside, port: 0 }', `  - { kind: unix, path: ${path} }`, '']
    writeFileSync(join(cwd, 'listeners.yaml'), lines.join('\n'))
    const started = await hubbub(['--config', 'listeners.yaml', '--data', 'memory'])
    await started.untilLine(/^ {2}MQTT +mqtt:\/\/localhost:\d+ {2}\(inside\)$/)
    await started.untilLine(new RegExp(`^ {2}MQTT +${path} {2}\\(unix\\)$`))
    await started.untilLine(/mosquitto_pub -h localhost/)
  })

  test('names the path that everything is below', async () => {
    const { started, httpPort } = await runningHub(['--http-base-path', '/hub/'])
    expect(started.stdout.items).toEqual(
      expect.arrayContaining([
        `  HTTP           http://localhost:${httpPort}/hub`,
        `  over WebSocket ws://localhost:${httpPort}/hub/mqtt`,
      ]),
    )
  })

  test('on all addresses names one that works in the lines to try', async () => {
    const started = await hubbub([...ANY_PORTS, '--host', '0.0.0.0', '--allow-anonymous'])
    const [, port] = await started.untilLine(/MQTT +mqtt:\/\/0\.0\.0\.0:(\d+)/)
    await started.untilLine(new RegExp(`mosquitto_pub -h 127\\.0\\.0\\.1 -p ${port} `))
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'stops with exit code 0 on %s, also when it comes twice at once',
    async (signal) => {
      const { started } = await runningHub()
      process.kill(started.pid ?? 0, signal)
      process.kill(started.pid ?? 0, signal)
      expect(await started.untilExit()).toEqual({ code: 0, signal: null })
      const stopping = started.stderr.items.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'stopping')
      expect(stopping).toMatchObject([{ signal }])
    },
  )

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('ends at once on a later %s, with exit code %i', async (signal, code) => {
    const { started } = await runningHub([], beforehand('setInterval(() => {}, 1000)'))
    const insist = setInterval(() => process.kill(started.pid ?? 0, signal), 50)
    void started.exited.then(() => clearInterval(insist))
    expect(await started.untilExit()).toEqual({ code, signal: null })
  })

  test('ends after 5 seconds when something is left open, says what, and exits with 1', async () => {
    const { started } = await runningHub([], beforehand('setInterval(() => {}, 1000)'))
    const sinceMs = performance.now()
    process.kill(started.pid ?? 0, 'SIGTERM')
    expect(await started.untilExit(20_000)).toEqual({ code: 1, signal: null })
    expect(performance.now() - sinceMs).toBeGreaterThan(4500)
    expect(started.stderr.items.at(-1)).toMatch(/^hubbub: Cannot stop: .*still open: .*Timeout/)
  })

  const FAULTY = beforehand('process.on("SIGUSR2", () => { throw new Error("boom") })')

  test('reports a bug with one line and exit code 70', async () => {
    const { started } = await runningHub([], FAULTY)
    expect(await started.end('SIGUSR2')).toEqual({ code: 70, signal: null })
    expect(started.stderr.items).toEqual(['hubbub: boom (a bug of Hubbub; --log-level debug tells more)'])
  })

  test('adds the stack of a bug at --log-level debug', async () => {
    const { started } = await runningHub(['--log-level', 'debug'], FAULTY)
    expect(await started.end('SIGUSR2')).toEqual({ code: 70, signal: null })
    expect(started.stderr.items).toContain('hubbub: boom')
    expect(started.stderr.items).toContainEqual(expect.stringMatching(/^ +at /))
  })

  test('logs to standard error, one JSON object a line, when that is no terminal', async () => {
    const { started } = await runningHub()
    await started.end()
    expect(started.stderr.items.length).toBeGreaterThan(0)
    for (const line of started.stderr.items) expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number) })
  })

  test('logs nothing at --log-level silent', async () => {
    const { started } = await runningHub(['--log-level', 'silent'])
    await started.end()
    expect(started.stderr.items).toEqual([])
  })
})

describe('hubbub explain', () => {
  test('tells why messages of a topic did not arrive, as text and as JSON', async () => {
    const { httpPort } = await runningHub()
    const url = `http://127.0.0.1:${httpPort}`
    const { code, out, err } = await run(['explain', 'a/b', '--url', url])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^Nobody subscribes to this topic\.\n/)
    const json: unknown = JSON.parse(
      (await run(['explain', 'a/b', '--client', 'c', '--json', '--http-port', httpPort])).out,
    )
    expect(json).toMatchObject({ topic: 'a/b', clientId: 'c', subscriptions: [], messages: [] })
  })

  test('says what the hub does not take', async () => {
    const { httpPort } = await runningHub()
    const { code, err } = await run(['explain', 'a/#', '--http-port', httpPort])
    expect(code).toBe(2)
    expect(err).toMatch(/^hubbub: Cannot explain: topic: it must not contain '\+' or '#'/)
  })

  test('says that no hub is there', async () => {
    const { code, err } = await run(['explain', 'a', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(1)
    expect(err).toMatch(/^hubbub: Cannot ask the hub at http:\/\/127\.0\.0\.1:1: .+; name it with --url$/)
  })
})

describe('hubbub history', () => {
  test('exports what a hub recorded, also while it runs, and imports it into another folder', async () => {
    const [from, to] = [mkdtempSync(join(cwd, 'from-')), mkdtempSync(join(cwd, 'to-'))]
    const { started, httpPort } = await runningHub(['--data', from])
    const publish = async (topic: string, payload: string): Promise<void> => {
      const body = JSON.stringify({ topic, payload, qos: 1 })
      const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
      expect((await fetch(`http://127.0.0.1:${httpPort}/api/v1/publish`, init)).status).toBe(200)
    }
    await publish('a', '1')
    await publish('b', '2')
    await publish('a', '3')
    const exportA = async (): Promise<string> => (await run(['history', 'export', '--filter', 'a', '--data', from])).out
    await expect.poll(exportA, { timeout: 10_000 }).toMatch(/"payload":"1".*\n.*"payload":"3"/)
    const locked = await run(['history', 'import', '-', '--data', from])
    expect(locked.code).toBe(1)
    expect(locked.err).toMatch(/only one hub may use it at a time/)
    await started.end()
    writeFileSync(join(cwd, 'a.ndjson'), `${await exportA()}\n`)
    const imported = await run(['history', 'import', 'a.ndjson', '--data', to])
    expect(imported).toMatchObject({ code: 0, out: 'Imported 2 messages', err: '' })
    const again = await run(['history', 'export', '--since', '1h', '--data', to])
    expect(again.out.match(/"payload":"\d"/g)).toEqual(['"payload":"1"', '"payload":"3"'])
  })

  test('says what it cannot do', async () => {
    const faults: [args: string[], text: RegExp][] = [
      [['history'], /Cannot run "history": there is no such command/],
      [['history', 'export', 'x'], /Cannot run "history export" with "x": it takes flags only/],
      [['history', 'export', '--since', 'soon', '--data', cwd], /Cannot export with --since "soon": it must be a time/],
      [['history', 'import', '--data', cwd], /Cannot run "history import" without a file/],
      [['history', 'import', 'missing.ndjson', '--data', cwd], /Cannot read missing\.ndjson: there is no such file/],
      [['history', 'export', '--data', 'memory'], /a data folder is required, data is "memory"/],
      [['start', '--since', '1h'], /Cannot run "start" with --since: only "history export" takes it/],
    ]
    const { code: missing, err: where } = await run(['history', 'export', '--data', cwd])
    expect(missing).toBe(1)
    expect(where).toMatch(/it must be a Hubbub data folder, it has no history\.mdb; name the folder with --data/)
    for (const [args, text] of faults) {
      const { code, out, err } = await run(args)
      expect([args, code, out]).toEqual([args, 2, ''])
      expect(err).toMatch(text)
    }
  })
})

describe('hubbub writes to somebody who has gone', () => {
  // The reader ends before the command starts, so that the first write fails.
  const WITHOUT_READER = 'exec 3> >(exec true); wait $!;'

  test('and exits as if nothing were wrong', async () => {
    const started = await bash(`${WITHOUT_READER} node "$0" help options >&3; echo "exit $?"`)
    expect(await started.untilExit()).toEqual({ code: 0, signal: null })
    expect(started.stdout.items).toEqual(['exit 0'])
    expect(started.stderr.items).toEqual([])
  })

  test('and goes on as a hub', async () => {
    // Tells when the write has failed without handling the error.
    const monitor = beforehand(
      'import { errorMonitor } from "node:events"; process.stdout.on(errorMonitor, ({ code }) => console.error(code))',
    )
    const started = await bash(`${WITHOUT_READER} exec node "$0" ${ANY_PORTS.join(' ')} >&3`, monitor)
    await started.stderr.firstThat((line) => (line === 'EPIPE' ? line : undefined))
    expect(await started.end('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(started.stderr.items).toEqual(['EPIPE', expect.stringContaining('"msg":"stopping"')])
  })

  test('but says when the disk is full', async () => {
    const started = await bash('node "$0" --help > /dev/full')
    expect(await started.untilExit()).toEqual({ code: 1, signal: null })
    expect(started.stderr.items).toEqual([expect.stringMatching(/^hubbub: Cannot write to standard output: ENOSPC/)])
  })
})

test('hubbub can be run by its name once npm has installed it', async () => {
  const prefix = mkdtempSync(join(tmpdir(), 'hubbub-prefix-'))
  onTestFinished(() => rmSync(prefix, { recursive: true }))
  const install = await startProcess(
    'npm',
    ['install', '--global', '--offline', '--ignore-scripts', '--prefix', prefix, ROOT],
    {
      cwd,
      env: ENVIRONMENT,
    },
  )
  expect(await install.untilExit(60_000)).toEqual({ code: 0, signal: null })
  expect(statSync(CLI).mode & 0o111).toBe(0o111)
  const started = await startProcess(join(prefix, 'bin/hubbub'), ['--version'], { cwd, env: ENVIRONMENT })
  expect(await started.untilExit()).toEqual({ code: 0, signal: null })
  expect(started.stdout.items).toEqual([expect.stringMatching(/^hubbub \d/)])
})
