import { createServer, type Server, type Socket } from 'node:net'
import {
  type Accept,
  addressOf,
  listen,
  type Listener,
  type ListenerAddress,
  type ListenerLog,
  type ListenOptions,
  stopListening,
} from './listener.ts'
import { canChooseMemory } from './read-memory.ts'
import type { ReadTurn } from './read-turn.ts'
import { TcpTransport } from './tcp-transport.ts'

export interface TcpListenerOptions extends ListenOptions {
  readonly log: ListenerLog
  readonly readTurn: ReadTurn
}

/** After this long without a byte the system asks whether the peer still exists; finds devices that lost their power. */
const PROBE_AFTER_MS = 60_000

/** Listens for MQTT over plain TCP. */
export class TcpListener implements Listener {
  readonly name = 'mqtt'
  readonly #options: TcpListenerOptions
  readonly #accept: Accept
  readonly #server: Server

  constructor(options: TcpListenerOptions, accept: Accept) {
    this.#options = options
    this.#accept = accept
    this.#server = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS, pauseOnConnect: true },
      (socket: Socket) => this.#accept(new TcpTransport(socket, options.readTurn, canChooseMemory)),
    )
  }

  get address(): ListenerAddress {
    return addressOf(this.#server, this.name)
  }

  async start(): Promise<void> {
    await listen(this.#server, this.#options, this.#options.log)
  }

  async stop(): Promise<void> {
    await stopListening(this.#server)
  }
}
