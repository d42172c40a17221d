import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Collected } from './guard.ts'
import { type ProcessExit, startProcess, type TestProcess } from './processes.ts'

const WHEN_MISSING =
  'mosquitto_pub and mosquitto_sub are missing: install Debian\'s package "mosquitto-clients"; npm test does it by itself as root or with passwordless sudo'
/** A real program is started and loaded first. */
const CLIENT_GUARD_MS = 15_000

export interface MosquittoPubOptions {
  readonly topic: string
  /** Goes through standard input, so it may be any bytes; empty sends a payload of length 0. */
  readonly payload: string | Buffer
  readonly qos?: number
  readonly retain?: boolean
  /** More options of mosquitto_pub. */
  readonly args?: readonly string[]
}

/** Publishes one message with mosquitto_pub, and waits until it has ended; rejects if it ended with an error. */
export async function mosquittoPub(port: number, options: MosquittoPubOptions): Promise<void> {
  const { topic, payload, qos = 0, retain = false, args = [] } = options
  const bytes = Buffer.from(payload)
  const publisher = await startMosquitto('mosquitto_pub', port, [
    '-t',
    topic,
    '-q',
    String(qos),
    ...(retain ? ['-r'] : []),
    // With -s, mosquitto_pub refuses an empty input.
    bytes.length === 0 ? '-n' : '-s',
    ...args,
  ])
  publisher.endInput(bytes)
  expectSuccess('mosquitto_pub', await publisher.untilExit(CLIENT_GUARD_MS), publisher)
}

export interface MosquittoMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
  readonly retain: boolean
}

export interface MosquittoSubOptions {
  readonly topics: readonly string[]
  readonly qos?: number
  /** More options of mosquitto_sub, such as `-c -i id` or `-V 31`. */
  readonly args?: readonly string[]
}

/** A mosquitto_sub that runs and is subscribed. */
export interface MosquittoSub {
  readonly messages: Collected<MosquittoMessage>
  readonly process: TestProcess
  /** Lets it disconnect in order. */
  stop(): Promise<void>
}

/** Starts mosquitto_sub; resolves when all its topics are subscribed. */
export async function mosquittoSub(port: number, options: MosquittoSubOptions): Promise<MosquittoSub> {
  const subscriber = await startSub(port, options)
  const messages = collect(subscriber)
  await subscriber.untilLine(/^Subscribed /, CLIENT_GUARD_MS)
  return {
    messages,
    process: subscriber,
    stop: async () => {
      expectSuccess('mosquitto_sub', await subscriber.end(), subscriber)
    },
  }
}

/** Runs a mosquitto_sub that ends by itself (`-C count`, `-E`, `--remove-retained`), and gives what it received. */
export async function runMosquittoSub(
  port: number,
  options: MosquittoSubOptions,
): Promise<readonly MosquittoMessage[]> {
  const subscriber = await startSub(port, options)
  const messages = collect(subscriber)
  expectSuccess('mosquitto_sub', await subscriber.untilExit(CLIENT_GUARD_MS), subscriber)
  return messages.items
}

async function startSub(port: number, options: MosquittoSubOptions): Promise<TestProcess> {
  const { topics, qos = 0, args = [] } = options
  return startMosquitto('mosquitto_sub', port, [
    // -d tells of the SUBACK; the payload is in hexadecimal and the topic last, so that a line is always whole.
    '-d',
    '-F',
    'MESSAGE %q %r %x %t',
    '-q',
    String(qos),
    ...topics.flatMap((topic) => ['-t', topic]),
    ...args,
  ])
}

function collect(subscriber: TestProcess): Collected<MosquittoMessage> {
  const messages = new Collected<MosquittoMessage>('messages of mosquitto_sub')
  subscriber.stdout.onPush((line) => {
    const match = /^MESSAGE (\d) (\d) ([0-9a-f]*) (.*)$/.exec(line)
    if (match === null) return
    const [, qos, retain, payload = '', topic = ''] = match
    messages.push({ topic, payload: Buffer.from(payload, 'hex'), qos: Number(qos), retain: retain === '1' })
  })
  return messages
}

/** Starts either client with its connection options, and with output by lines although it is no terminal. */
async function startMosquitto(command: string, port: number, args: readonly string[]): Promise<TestProcess> {
  if (!isInstalled(command)) throw new Error(WHEN_MISSING)
  return startProcess('stdbuf', ['-oL', command, '-h', '127.0.0.1', '-p', String(port), ...args])
}

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)))
}

function expectSuccess(name: string, { code, signal }: ProcessExit, { stdout, stderr }: TestProcess): void {
  if (code === 0) return
  const output = [...stdout.items, ...stderr.items].slice(-10).join('\n')
  throw new Error(`${name} ended with ${signal ?? `exit code ${code}`}:\n${output}`)
}
