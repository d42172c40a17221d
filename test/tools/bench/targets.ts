// The programs that are measured, and how each is started and ended.
/* oxlint-disable no-await-in-loop -- it tries until the broker answers */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { limitPath, whyNotCompiled } from './limit-compiler.ts'

export const targetNames = ['hub', 'aged', 'aedes', 'mosquitto', 'nats', 'limit'] as const
export type TargetName = (typeof targetNames)[number]

/** `aged` makes a run longer by more than its share: all its rows run once before. */
export const defaultTargets: readonly TargetName[] = targetNames.filter((name) => name !== 'aged')

/** Those whose faults are shown, and no more. */
export const controls: ReadonlySet<Startable> = new Set(['aedes', 'nats', 'limit'])

/** `sink` is the other end of the generator's ceiling, not a target to choose. */
export type Startable = TargetName | 'sink'

/** What a row looks at: how many a second, or how soon one. */
export type Aim = 'throughput' | 'latency'

/** What a row asks of how a target is started. */
export interface Conditions {
  aim: Aim
  isOnDisk: boolean
  /** Whether it is to speak TLS, with an ECDSA certificate that `hubbub cert` makes. */
  isTls: boolean
  /** Whether a session's queue is bounded as by default; concerns the hub only, Mosquitto never has a bound here. */
  hasQueueLimits: boolean
  /** Whether the subscriptions of a client are bounded as by default; the hub alone has such a bound. */
  hasSubscriptionLimit: boolean
  /** For a row that looks at the start itself: where to listen, and who is told of the process when it is there. */
  start?: { port: number; spawned(pid: number): void }
}

export interface RunningTarget {
  port: number
  pid: number
  /** Of a hub: where it says what its collector took, as `collector.ts` has it. */
  collectorFile?: string
  /** Ends the process by its id; resolves when it is gone. Has it killed after some time, 5 s if nothing is said. */
  stop(limitMs?: number): Promise<void>
  /** What it said on stderr, for a message when something went wrong. */
  lastWords(): string
}

const startMs = 120_000
const stopMs = 5000
const keptOutputCharacters = 2000
const here = fileURLToPath(new URL('.', import.meta.url))
const hubCli = join(here, '../hub/main.js')

/** Where programs lie, the last of them unpacked: a package that is installed would start a service. */
function findServer(name: string, packageName: string): string | undefined {
  const unpacked = join(here, '../../node_modules/.cache/debian', packageName, 'usr/sbin')
  const folders = [
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/local/bin',
    '/opt/homebrew/sbin',
    '/opt/homebrew/bin',
    unpacked,
  ]
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

export const mosquittoPath = findServer('mosquitto', 'mosquitto')
export const natsPath = findServer('nats-server', 'nats-server')

// Folders for data lie beside the build, on the disk of the checkout: /tmp may be memory.
const folders = new Set<string>()

export function makeFolder(): string {
  const folder = mkdtempSync(join(here, 'data-'))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  folders.delete(folder)
}

/** Why a target cannot be measured here, or undefined when it can. */
export function whyMissing(name: TargetName): string | undefined {
  if (name === 'mosquitto' && mosquittoPath === undefined) return missingServer('mosquitto')
  if (name === 'nats' && natsPath === undefined) return missingServer('nats-server')
  if (name === 'limit') return whyNotCompiled()
  if ((name === 'hub' || name === 'aged') && !existsSync(hubCli)) return `the hub is not built: there is no ${hubCli}`
  return undefined
}

function missingServer(packageName: string): string {
  const folder = `node_modules/.cache/debian/${packageName}`
  return `it is not installed; without its service: apt-get download ${packageName} && dpkg -x ${packageName}_*.deb ${folder}`
}

/** Starts a target on a free port, with a folder of its own for what it keeps. `nodeArgs` go to the hub's Node only. */
export async function startTarget(
  name: Startable,
  conditions: Conditions,
  nodeArgs: readonly string[],
): Promise<RunningTarget> {
  const folder = makeFolder()
  try {
    const running = await startIn(folder, name, conditions, nodeArgs)
    return {
      ...running,
      async stop() {
        await running.stop()
        removeFolder(folder)
      },
    }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

/** Starts a target that keeps what it keeps in a folder, which stays. */
export async function startIn(
  folder: string,
  name: Startable,
  conditions: Conditions,
  nodeArgs: readonly string[],
): Promise<RunningTarget> {
  switch (name) {
    case 'hub':
    case 'aged':
      return startHub(folder, conditions, nodeArgs)
    case 'aedes':
      return startAnnouncing(process.execPath, [join(here, 'aedes-server.js')])
    case 'sink':
      return startAnnouncing(process.execPath, [join(here, 'sink-server.js')])
    case 'limit':
      return startAnnouncing(limitPath, [])
    case 'nats':
      return startServer(natsPath ?? 'nats-server', folder, conditions, natsConfiguration)
    case 'mosquitto':
    default:
      return startServer(mosquittoPath ?? 'mosquitto', folder, conditions, (port) =>
        mosquittoConfiguration(folder, port, conditions),
      )
  }
}

/** What its collector takes is counted where latency is looked at, which does not change it: the hub itself watches, too. */
async function startHub(folder: string, conditions: Conditions, nodeArgs: readonly string[]): Promise<RunningTarget> {
  const args = [hubCli, ...hubArguments(folder, conditions)]
  if (conditions.aim !== 'latency') return startAnnouncing(process.execPath, [...nodeArgs, ...args], {}, conditions)
  const collectorFile = join(folder, 'collector')
  const watched = ['--import', new URL('collector-watch.js', import.meta.url).href]
  const env = { BENCH_COLLECTOR_FILE: collectorFile }
  const running = await startAnnouncing(process.execPath, [...nodeArgs, ...watched, ...args], env, conditions)
  return { ...running, collectorFile }
}

/** Quiet like the others: only warnings are logged. */
function hubArguments(folder: string, conditions: Conditions): string[] {
  const { isOnDisk, isTls, hasQueueLimits, hasSubscriptionLimit, start } = conditions
  const ports = isTls ? tlsArguments(folder) : ['--port', String(start?.port ?? 0), '--http-port', '0']
  const common = [...ports, '--log-level', 'warn', '--data', isOnDisk ? folder : 'memory']
  return [
    ...common,
    ...(hasQueueLimits ? [] : ['--limits-max-queued-messages', 'null', '--limits-max-queued-bytes', 'null']),
    ...(hasSubscriptionLimit ? [] : ['--limits-max-subscriptions-per-client', 'null']),
  ]
}

function tlsArguments(folder: string): string[] {
  const { certificate, key } = makeCertificate(folder)
  return ['--listeners', JSON.stringify([{ kind: 'mqtts', host: '127.0.0.1', port: 0, certificate, key }])]
}

function makeCertificate(folder: string): { certificate: string; key: string } {
  const certs = join(folder, 'certs')
  execFileSync(process.execPath, [hubCli, 'cert', '--folder', certs], { stdio: 'ignore' })
  return { certificate: join(certs, 'server.pem'), key: join(certs, 'server-key.pem') }
}

/** Starts a program that says where it listens, and that ends when its stdin does. */
async function startAnnouncing(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { start }: Pick<Conditions, 'start'> = {},
): Promise<RunningTarget> {
  const child = spawn(path, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  start?.spawned(child.pid ?? 0)
  const running = watch(child)
  const port = await new Promise<number>((resolve, reject) => {
    let output = ''
    const timeout = setTimeout(() => reject(new Error('it did not say where it listens within 120 s')), startMs)
    child.once('exit', (code) => {
      clearTimeout(timeout)
      reject(new Error(`it ended with code ${String(code)}: ${running.lastWords()}`))
    })
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-keptOutputCharacters)
      const found = /mqtts?:\/\/[^\s:]+:(\d+)/.exec(output)?.[1]
      if (found === undefined) return
      clearTimeout(timeout)
      resolve(Number(found))
    })
  }).catch(async (error: unknown) => {
    await running.stop()
    throw error
  })
  return { ...running, port }
}

/**
 * Mosquitto with its defaults, but for what is needed to be measured:
 *
 *   - anonymous clients, as the hub allows them on loopback; runs as the user who starts the benchmark;
 *   - no line of log for each connection: the hub's log is quiet too;
 *   - nothing on disk where the hub's state is in memory; else `persistence true` and all that belongs to it as it is by
 *     default: it writes its database every 30 minutes and when it ends. A kill -9 loses what came since, all of it
 *     acknowledged; the hub's acknowledgement waits until its store has committed the message;
 *   - no limit on queued messages, so that it may fall behind without dropping: the load is bounded by its windows;
 *   - 100 messages in flight instead of 20, as the hub: it closes a connection that has more QoS 2 messages on their way.
 *
 * `set_tcp_nodelay` is as suits it best. Off, its default, for throughput: on, no row was faster and 100 → 1 slower by a
 * quarter. On where one answer is waited for: off, a PUBLISH behind a SUBACK waits 44 ms for a delayed acknowledgement.
 */
function mosquittoConfiguration(folder: string, port: number, { aim, isOnDisk, isTls }: Conditions): string {
  const pair = isTls ? makeCertificate(folder) : undefined
  return [
    `listener ${port} 127.0.0.1`,
    ...(pair === undefined ? [] : [`certfile ${pair.certificate}`, `keyfile ${pair.key}`]),
    'allow_anonymous true',
    'user root',
    ...(isOnDisk ? ['persistence true', `persistence_location ${folder}/`] : ['persistence false']),
    'log_type error',
    'max_queued_messages 0',
    'max_inflight_messages 100',
    `set_tcp_nodelay ${aim === 'latency'}`,
    '',
  ].join('\n')
}

/** MQTT needs its JetStream, which is on disk; clean sessions and QoS 0 do not pass through it. */
function natsConfiguration(port: number, folder: string): string {
  return [
    'server_name: bench',
    'listen: "127.0.0.1:-1"',
    `jetstream { store_dir: ${JSON.stringify(folder)} }`,
    `mqtt { host: "127.0.0.1", port: ${port}, max_ack_pending: 65535 }`,
    '',
  ].join('\n')
}

async function startServer(
  path: string,
  folder: string,
  { start }: Conditions,
  configuration: (port: number, folder: string) => string,
): Promise<RunningTarget> {
  const port = start?.port ?? (await freePort())
  const file = join(folder, 'server.conf')
  writeFileSync(file, configuration(port, folder))
  const child = spawn(path, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  start?.spawned(child.pid ?? 0)
  const running = watch(child)
  const deadlineMs = performance.now() + startMs
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      await running.stop()
      throw new Error(`it does not listen: ${running.lastWords()}`)
    }
    await sleep(50)
  }
  return { ...running, port }
}

const children = new Set<ChildProcess>()

/** Ends what is still running, at once: for an interrupted benchmark. */
export function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) removeFolder(folder)
}

/** Follows a child process: its stderr, its end. */
export function watch(child: ChildProcess): Omit<RunningTarget, 'port'> {
  let words = ''
  children.add(child)
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      words += error.message
      children.delete(child)
      resolve()
    })
    child.once('exit', () => {
      children.delete(child)
      resolve()
    })
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-keptOutputCharacters)
  })
  return {
    pid: child.pid ?? 0,
    lastWords: () => words.trim(),
    async stop(limitMs = stopMs) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const timeout = setTimeout(() => child.kill('SIGKILL'), limitMs)
      child.kill('SIGTERM')
      await ended
      clearTimeout(timeout)
    },
  }
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0))
    })
  })
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
