#!/usr/bin/env node
import { explainCommand } from './ask-hub.ts'
import { runStoreCommand, STORE_COMMANDS } from './store-commands.ts'
import { closest, didYouMean } from '../config/closest.ts'
import { effectiveJson, effectiveText } from '../config/effective.ts'
import { readCommandLine, type ValueFlag } from '../config/flags.ts'
import { helpText, optionsText } from './help.ts'
import { loadConfig } from '../config/load.ts'
import { Problems } from '../config/problems.ts'
import { HubbubError } from '../base/errors.ts'
import type { Hub } from '../hub.ts'
import { createLog, type Log } from '../base/log.ts'
import { readVersion } from '../base/version.ts'

/** What each command takes behind its name. */
const COMMANDS: ReadonlyMap<string, 'file' | 'topic' | undefined> = new Map([
  ['start', undefined],
  ['config', undefined],
  ['help', undefined],
  ['explain', 'topic'],
  ['history export', undefined],
  ['history import', 'file'],
  ...STORE_COMMANDS,
])
const JSON_COMMANDS: ReadonlySet<string> = new Set(['config', 'inspect', 'explain'])
/** Flags that belong to some commands only. */
const FLAGS_OF_COMMANDS: ReadonlyMap<ValueFlag, { readonly commands: readonly string[]; readonly purpose: string }> =
  new Map([
    ['session', { commands: ['inspect'], purpose: 'only "inspect" shows a session' }],
    ['client', { commands: ['explain'], purpose: 'only "explain" asks a running hub' }],
    ['url', { commands: ['explain'], purpose: 'only "explain" asks a running hub' }],
    ['filter', { commands: ['history export'], purpose: 'only "history export" chooses messages' }],
    ['since', { commands: ['history export'], purpose: 'only "history export" chooses messages' }],
    ['until', { commands: ['history export'], purpose: 'only "history export" chooses messages' }],
  ])
const EXIT_BUG = 70
const STOP_DEADLINE_MS = 5000
/**
 * Ctrl-C under `npm start` may arrive twice within 3 ms (npm 11 with bash as its shell), from the terminal and passed on by
 * npm. Only a signal later than this is a second wish.
 */
const SAME_WISH_MS = 300

let isStackWanted = false

async function main(argv: readonly string[]): Promise<void> {
  const problems = new Problems()
  const { words, switches, values } = readCommandLine(argv, problems)
  const session = values.get('session')
  const [command, topic = ''] = commandOf(words)
  if (switches.has('version')) {
    process.stdout.write(`hubbub ${readVersion()}\n`)
    return
  }
  if (switches.has('help') || command === 'help') {
    process.stdout.write(topic === 'options' ? optionsText() : helpText())
    return
  }
  checkCommand(words, switches, values, problems)
  const loaded = loadConfig({ argv, env: process.env, cwd: process.cwd() })
  isStackWanted = ['debug', 'trace'].includes(loaded.config.logLevel)
  if (command === 'config') {
    process.stdout.write(switches.has('json') ? effectiveJson(loaded) : effectiveText(loaded))
    return
  }
  if (command === 'explain') {
    const { host, httpPort, http } = loaded.config
    const own = `http://${urlHost(reachableHost(host))}:${httpPort}${http.basePath}`
    const options = { topic, clientId: values.get('client'), url: values.get('url') ?? own }
    process.stdout.write(await explainCommand({ ...options, isJsonWanted: switches.has('json') }))
    return
  }
  if (command === 'history export' || command === 'history import') {
    const { exportHistory, importHistory } = await import('./history-commands.ts')
    const request = { config: loaded.config, log: createLog({ level: loaded.config.logLevel }), flags: values }
    if (command === 'history export') await exportHistory(request, process.stdout)
    else process.stdout.write(await importHistory(request, topic))
    return
  }
  if (STORE_COMMANDS.has(command)) {
    const { data } = loaded.config
    const options = { data, session, file: topic, isForced: switches.has('force'), isJsonWanted: switches.has('json') }
    process.stdout.write(await runStoreCommand(command, options))
    return
  }
  const log = createLog({ level: loaded.config.logLevel })
  // Loaded here, so that help and mistakes answer at once.
  const { createHub } = await import('../hub.ts')
  const hub = await createHub({ config: loaded.config, log })
  stopOnSignals(hub, log)
  process.stdout.write(banner(hub.addresses))
  // To whoever started the hub with a channel; one that is gone meanwhile does not hear it.
  process.send?.(hub.addresses, undefined, undefined, () => undefined)
}

/** The command, which may be of two words, and what stands behind it. */
function commandOf([first = 'start', second, ...rest]: readonly string[]): [command: string, ...operands: string[]] {
  if (first === 'history' && second !== undefined) return [`${first} ${second}`, ...rest]
  return second === undefined ? [first] : [first, second, ...rest]
}

function checkCommand(
  words: readonly string[],
  switches: ReadonlySet<string>,
  values: ReadonlyMap<ValueFlag, string>,
  problems: Problems,
): void {
  const [command, ...operands] = commandOf(words)
  const wanted = COMMANDS.get(command)
  const add = (message: string): void => problems.addSource('COMMAND_INVALID', `Cannot run "${command}" ${message}`)
  const strayFlag = [...values.keys()].find((flag) => FLAGS_OF_COMMANDS.get(flag)?.commands.includes(command) === false)
  if (!COMMANDS.has(command)) {
    const message = `there is no such command${didYouMean(closest(command, [...COMMANDS.keys()]))}`
    problems.addSource('COMMAND_INVALID', `Cannot run ${JSON.stringify(command)}: ${message}`)
  } else if (wanted !== undefined && operands.length === 0) {
    add(`without a ${wanted}: name it, as in "hubbub ${command} ${wanted.toUpperCase()}"`)
  } else if (operands.length > (wanted === undefined ? 0 : 1)) {
    add(`with ${JSON.stringify(operands.at(-1))}: it takes ${wanted === undefined ? 'flags only' : `one ${wanted}`}`)
  } else if (switches.has('json') && !JSON_COMMANDS.has(command)) {
    add('with --json: only "config", "inspect" and "explain" print JSON')
  } else if (switches.has('force') && !['backup', 'restore'].includes(command)) {
    add('with --force: only "backup" and "restore" replace anything')
  } else if (strayFlag !== undefined) {
    add(`with --${strayFlag}: ${FLAGS_OF_COMMANDS.get(strayFlag)?.purpose}`)
  } else {
    return
  }
  problems.throwIfAny()
}

function banner({ mqtt, http }: Hub['addresses']): string {
  const reachable = reachableHost(mqtt.host)
  const overHttp =
    http === undefined
      ? ''
      : `  HTTP           http://${urlHost(http.host)}:${http.port}
  over WebSocket ws://${urlHost(http.host)}:${http.port}/mqtt
`
  return `Hubbub ${readVersion()}
  MQTT           mqtt://${urlHost(mqtt.host)}:${mqtt.port}
${overHttp}
Try it in another terminal:
  mosquitto_sub -h ${reachable} -p ${mqtt.port} -t 'hello/#' -v
  mosquitto_pub -h ${reachable} -p ${mqtt.port} -t hello/world -m 'Hi'
`
}

/** An address that a client on this machine can use when the hub listens on all of them. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function stopOnSignals(hub: Hub, log: Log): void {
  let stoppingSinceMs: number | undefined
  const onSignal = (signal: NodeJS.Signals, signalNumber: number): void => {
    if (stoppingSinceMs === undefined) {
      stoppingSinceMs = performance.now()
      log.info({ signal }, 'stopping')
      void stop(hub)
    } else if (performance.now() - stoppingSinceMs > SAME_WISH_MS) {
      process.exit(128 + signalNumber)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

/** Stops the hub. The process ends by itself when nothing is left open; what is then still open is a fault worth telling. */
async function stop(hub: Hub): Promise<void> {
  process.exitCode = 1
  const deadline = setTimeout(() => {
    const left = [...new Set(process.getActiveResourcesInfo())].join(', ')
    process.stderr.write(`hubbub: Cannot stop: it must take less than ${STOP_DEADLINE_MS} ms, still open: ${left}\n`)
    process.exit(1)
  }, STOP_DEADLINE_MS)
  deadline.unref()
  try {
    await hub.stop()
    process.exitCode = 0
  } catch (error) {
    fail(error)
  }
}

function fail(error: unknown): never {
  if (error instanceof HubbubError) {
    for (const line of error.message.split('\n')) process.stderr.write(`hubbub: ${line}\n`)
    process.exit(error.exitCode)
  }
  const text = error instanceof Error ? error.message : String(error)
  const advice = isStackWanted ? '' : ' (a bug of Hubbub; --log-level debug tells more)'
  process.stderr.write(`hubbub: ${text}${advice}\n`)
  if (isStackWanted && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  process.exit(EXIT_BUG)
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output has gone, as in `hubbub --help | head -1`: nothing is wrong, and a running hub goes on.
  if (error.code === 'EPIPE') return
  process.stderr.write(`hubbub: Cannot write to standard output: ${error.message}\n`)
  process.exitCode = 1
})
process.stderr.on('error', () => undefined) // there is nobody left to tell
process.on('uncaughtException', fail)
try {
  await main(process.argv.slice(2))
} catch (error) {
  fail(error)
}
