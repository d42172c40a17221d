import { createServer, type Socket } from 'node:net'
import { strangersDoor } from '../connection/transport.ts'
import { ListeningServer } from './listening-server.ts'
import type { Accept, Listener, ListenerAddress, ListenerLog, ListenOptions } from './listener.ts'
import { canChooseMemory } from './read-memory.ts'
import type { ReadTurn } from './read-turn.ts'
import { TcpTransport } from './tcp-transport.ts'

export interface TcpListenerOptions extends ListenOptions {
  readonly log: ListenerLog
  readonly readTurn: ReadTurn
}

/** After this long without a byte the system asks whether the peer still exists; finds devices that lost their power. */
const PROBE_AFTER_MS = 60_000

const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: PROBE_AFTER_MS,
  pauseOnConnect: true,
} as const

/** Listens for MQTT over plain TCP. */
export class TcpListener implements Listener {
  readonly name = 'mqtt'
  readonly #listening: ListeningServer

  constructor(options: TcpListenerOptions, accept: Accept) {
    const door = strangersDoor(this.name)
    const server = createServer(SOCKET_OPTIONS, (socket: Socket) =>
      accept(new TcpTransport(socket, door, options.readTurn, canChooseMemory)),
    )
    this.#listening = new ListeningServer(server, options, SOCKET_OPTIONS, options.log)
  }

  get address(): ListenerAddress {
    return this.#listening.address(this.name)
  }

  async start(): Promise<void> {
    await this.#listening.start()
  }

  async stop(): Promise<void> {
    await this.#listening.stop()
  }
}
