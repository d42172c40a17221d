import { Collected } from '../support/guard.ts'
import { mosquittoPub, type MosquittoPubOptions, mosquittoSub, type MosquittoSubOptions } from '../support/mosquitto.ts'
import { type ProcessExit, startProcess, type TestProcess } from '../support/processes.ts'

/** A real program is started and loaded first. */
const PROCESS_GUARD_MS = 15_000
/** The topic comes last, as it may hold anything; no test has "|" in a property. */
const FORMAT = 'MESSAGE5 %q|%r|%x|%C|%R|%D|%F|%E|%A|%S|%P|%t'

/** A message as mosquitto_sub shows it; a property that was not sent is ''. */
export interface Message5 {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: boolean
  readonly contentType: string
  readonly responseTopic: string
  readonly correlationData: string
  readonly payloadFormat: string
  readonly expirySeconds: string
  readonly topicAlias: string
  /** The first of them: mosquitto_sub shows no more. */
  readonly subscriptionIdentifier: string
  /** As `name:value`, with a space between two. */
  readonly userProperties: string
}

export interface MosquittoSub5 {
  readonly messages: Collected<Message5>
  readonly process: TestProcess
  /** Lets it disconnect in order. */
  stop(): Promise<void>
}

/** Options of mosquitto_pub and mosquitto_sub for a property of one of their packets. */
export function property(command: string, name: string, ...values: readonly string[]): string[] {
  return ['-D', command, name, ...values]
}

/** Starts `mosquitto_sub -V 5`; resolves when all its topics are subscribed. */
export async function mosquittoSub5(port: number, options: MosquittoSubOptions): Promise<MosquittoSub5> {
  const args = ['-V', '5', '-F', FORMAT, ...(options.args ?? [])]
  const subscriber = await mosquittoSub(port, { ...options, args })
  const messages = new Collected<Message5>('messages of mosquitto_sub -V 5')
  subscriber.process.stdout.onPush((line) => {
    if (line.startsWith('MESSAGE5 ')) messages.push(parse(line.slice('MESSAGE5 '.length)))
  })
  return { messages, process: subscriber.process, stop: async () => subscriber.stop() }
}

/** Publishes one message with `mosquitto_pub -V 5`. */
export async function mosquittoPub5(port: number, options: MosquittoPubOptions): Promise<void> {
  await mosquittoPub(port, { ...options, args: ['-V', '5', ...(options.args ?? [])] })
}

/** Runs `mosquitto_pub -V 5 -d` and gives its exit and what it said, the reason codes of acknowledgements among it. */
export async function talkativePub5(
  port: number,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<ProcessExit & { readonly output: string }> {
  const publisher = await startProcess('mosquitto_pub', [
    '-h',
    '127.0.0.1',
    '-p',
    String(port),
    '-V',
    '5',
    '-d',
    ...args,
  ])
  publisher.endInput(input)
  const exit = await publisher.untilExit(PROCESS_GUARD_MS)
  return { ...exit, output: [...publisher.stdout.items, ...publisher.stderr.items].join('\n') }
}

/** Waits until nobody is subscribed to `topic` any more, as the PUBACK of MQTT 5 tells [MQTT5 §3.4.2.1]. */
export async function untilNobodySubscribes(port: number, topic: string): Promise<void> {
  const deadlineMs = performance.now() + PROCESS_GUARD_MS
  for (;;) {
    const { output } = await talkativePub5(port, ['-t', topic, '-q', '1', '-m', 'anybody?'])
    if (output.includes('RC:16')) return
    if (performance.now() > deadlineMs) throw new Error(`somebody is still subscribed to ${topic}:\n${output}`)
  }
}

function parse(line: string): Message5 {
  const [
    qos,
    retain,
    payload = '',
    contentType = '',
    responseTopic = '',
    correlationData = '',
    payloadFormat = '',
    expirySeconds = '',
    topicAlias = '',
    subscriptionIdentifier = '',
    userProperties = '',
    ...topic
  ] = line.split('|')
  return {
    topic: topic.join('|'),
    payload: Buffer.from(payload, 'hex').toString(),
    qos: Number(qos),
    retain: retain === '1',
    contentType,
    responseTopic,
    correlationData,
    payloadFormat,
    expirySeconds,
    topicAlias,
    subscriptionIdentifier,
    userProperties,
  }
}
