import { fileURLToPath, pathToFileURL } from 'node:url'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { join } from 'node:path'
import { connect, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { Collected } from '../../support/guard.ts'

/** Where MicroPython finds what a board has: its modules are stood in. */
const MODULES = [
  ['/machine.py', 'machine.py'],
  ['/network.py', 'network.py'],
  ['/umqtt/simple.py', 'umqtt_simple.py'],
] as const

/** What a stand-in asks for. */
type BoardRequest =
  | { readonly do: 'pin'; readonly id: number; readonly value: number }
  | ({ readonly do: 'connect' } & ConnectRequest)
  | {
      readonly do: 'publish'
      readonly topic: string
      readonly payload: string
      readonly retain: boolean
      readonly qos: 0 | 1
    }
  | { readonly do: 'subscribe'; readonly topic: string; readonly qos: 0 | 1 }
  | { readonly do: 'take' }

interface ConnectRequest {
  readonly clientId: string
  readonly host: string
  readonly port: number
  readonly keepalive: number
  readonly clean: boolean
  readonly will?: {
    readonly topic: string
    readonly payload: string
    readonly retain: boolean
    readonly qos: 0 | 1 | 2
  }
}

type FromWorker = { readonly line: string } | { readonly request: BoardRequest }

/** A MicroPython that runs a program as a board would, until the test ends. */
export class Board {
  readonly lines = new Collected<string>('lines of the board')
  /** What its pins were set to. */
  readonly pins = new Collected<{ readonly id: number; readonly value: number }>('pins')
  readonly errors = new Collected<Error>('errors of the worker')
  readonly #received: { readonly topic: string; readonly payload: string }[] = []
  #client: MqttClient | undefined = undefined

  /** `micropython` is the folder of the npm package. */
  static start(micropython: string, program: string): Board {
    const board = new Board()
    const { port1: answers, port2: forWorker } = new MessageChannel()
    const answered = new SharedArrayBuffer(4)
    const worker = new Worker(new URL('worker.mjs', import.meta.url), {
      workerData: {
        micropython: pathToFileURL(join(micropython, 'micropython.mjs')).href,
        modules: MODULES.map(([path, file]) => [path, fileURLToPath(new URL(file, import.meta.url))]),
        program,
        answered,
        answers: forWorker,
      },
      transferList: [forWorker],
    })
    worker.on('error', (error) => board.errors.push(error instanceof Error ? error : new Error(String(error))))
    worker.on('message', (message: FromWorker) => {
      if ('line' in message) {
        board.lines.push(message.line)
        return
      }
      void board.#answer(message.request, answers, new Int32Array(answered))
    })
    onTestFinished(async () => {
      await worker.terminate()
      answers.close()
      board.cut()
    })
    return board
  }

  /** Ends its connection without a word. */
  cut(): void {
    this.#client?.stream.destroy()
    this.#client?.end(true)
  }

  /** The worker waits for `answered`, and takes the answer then. */
  async #answer(request: BoardRequest, answers: MessagePort, answered: Int32Array): Promise<void> {
    let answer: object
    try {
      answer = await this.#do(request)
    } catch (error) {
      answer = { error: String(error) }
    }
    answers.postMessage(answer, [])
    Atomics.store(answered, 0, 1)
    Atomics.notify(answered, 0)
  }

  async #do(request: BoardRequest): Promise<object> {
    if (request.do === 'connect') return this.#connect(request)
    if (request.do === 'take') return this.#take()
    if (request.do === 'pin') this.pins.push({ id: request.id, value: request.value })
    if (request.do === 'publish') {
      const { topic, payload, retain, qos } = request
      await this.#unlessCut((client) => client.publishAsync(topic, payload, { retain, qos }))
    }
    if (request.do === 'subscribe') {
      await this.#unlessCut((client) => client.subscribeAsync(request.topic, { qos: request.qos }))
    }
    return {}
  }

  /** The next message, none, or an error when no more can come. */
  async #take(): Promise<object> {
    const message = this.#received.shift()
    if (message !== undefined) return { message }
    return this.#unlessCut(async () => ({}))
  }

  async #connect({ host, port, will, ...options }: ConnectRequest): Promise<object> {
    this.#client?.end(true)
    const client = connect(`mqtt://${host}:${port}`, {
      ...options,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...(will === undefined ? {} : { will: { ...will, payload: Buffer.from(will.payload) } }),
    })
    this.#client = client
    client.on('message', (topic, payload) => this.#received.push({ topic, payload: payload.toString() }))
    return new Promise((resolve, reject) => {
      client.once('connect', ({ sessionPresent }) => resolve({ sessionPresent }))
      client.once('error', reject)
    })
  }

  async #unlessCut<T>(act: (client: MqttClient) => Promise<T>): Promise<T> {
    const client = this.#client
    if (client?.connected !== true) throw new Error('the line is cut')
    return new Promise((resolve, reject) => {
      // mqtt.js leaves what was not acknowledged open when the line is cut.
      const fail = (): void => reject(new Error('the line was cut'))
      client.once('close', fail)
      act(client)
        .then(resolve, reject)
        .finally(() => client.off('close', fail))
    })
  }
}
