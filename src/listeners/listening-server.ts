import { rmSync, statSync } from 'node:fs'
import { connect, createServer, type Server, type ServerOpts } from 'node:net'
import { HubbubError } from '../base/errors.ts'
import {
  addressOf,
  listen,
  type ListenerAddress,
  type ListenerLog,
  type ListenOptions,
  stopListening,
} from './listener.ts'

/** What `localhost` is to clients: some try only one of the two. */
const LOCALHOST: readonly string[] = ['127.0.0.1', '::1']
/** How many free ports of one address are tried until one is free on the other too. */
const FREE_PORT_TRIES = 10

/**
 * A server that listens where the options say. On `localhost` that is both addresses of that name, as far as the machine has them, with
 * one port: a second server hands its connections to the first.
 */
export class ListeningServer {
  readonly #server: Server
  readonly #options: ListenOptions
  readonly #socketOptions: ServerOpts
  readonly #log: ListenerLog
  /** Those that listen. */
  #servers: Server[] = []

  /** `socketOptions` are those that the server was made with. */
  constructor(server: Server, options: ListenOptions, socketOptions: ServerOpts, log: ListenerLog) {
    this.#server = server
    this.#options = options
    this.#socketOptions = socketOptions
    this.#log = log
  }

  /** Where it listens, as `Listener.address`; `name` is that of the listener. */
  address(name: string): ListenerAddress {
    const { host, port } = addressOf(this.#servers[0] ?? this.#server, name)
    return { host: this.#isLocalhost ? 'localhost' : host, port }
  }

  /** Rejects as `listen` does, and leaves nothing open then. */
  async start(): Promise<void> {
    const { port, path } = this.#options
    if (path !== undefined) await removeDeadSocket(path)
    if (!this.#isLocalhost) return this.#listen(this.#server, this.#options.host, port)
    for (let triesLeft = port === 0 ? FREE_PORT_TRIES : 1; ; triesLeft--) {
      try {
        return await this.#listenOnLocalhost()
      } catch (error) {
        await this.stop()
        if (triesLeft === 1 || !isOf(error, 'LISTENER_PORT_IN_USE')) throw error
      }
    }
  }

  /** As `stopListening`. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map(stopListening))
  }

  get #isLocalhost(): boolean {
    return this.#options.path === undefined && this.#options.host.toLowerCase() === 'localhost'
  }

  async #listenOnLocalhost(): Promise<void> {
    let { port } = this.#options
    let missing: unknown
    for (const host of LOCALHOST) {
      const [first] = this.#servers
      try {
        await this.#listen(first === undefined ? this.#server : this.#second(), host, port)
      } catch (error) {
        // Many a machine has one of the two only.
        if (!isOf(error, 'LISTENER_BAD_ADDRESS')) throw error
        missing = error
        continue
      }
      if (first === undefined) ({ port } = addressOf(this.#server, host))
    }
    if (this.#servers.length === 0) throw missing
  }

  #second(): Server {
    return createServer(this.#socketOptions, (socket) => this.#server.emit('connection', socket))
  }

  async #listen(server: Server, host: string, port: number): Promise<void> {
    await listen(server, { ...this.#options, host, port }, this.#log)
    this.#servers.push(server)
  }
}

/** Removes the socket that a hub has left behind which was killed: nobody answers there any more. */
async function removeDeadSocket(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return
  const socket = connect({ path })
  const isDead = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(false))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
  socket.destroy()
  if (isDead) rmSync(path, { force: true })
}

function isOf(error: unknown, code: string): boolean {
  return error instanceof HubbubError && error.code === code
}
