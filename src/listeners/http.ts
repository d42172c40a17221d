import { createServer, type Server } from 'node:http'
import { ListeningServer } from './listening-server.ts'
import type { Listener, ListenerAddress, ListenerLog, ListenOptions } from './listener.ts'

export interface HttpListenerOptions extends ListenOptions {
  readonly log: ListenerLog
}

/** A request may name the longest topic or client identifier of MQTT, 65,535 bytes, with all of them escaped; and headers. */
const MAX_HEADER_BYTES = 256 * 1024

/** Those of `node:http` itself. */
const SOCKET_OPTIONS = { noDelay: true, allowHalfOpen: true } as const

/** Listens for HTTP. It answers nothing itself: others listen for requests and upgrade requests on `server`. */
export class HttpListener implements Listener {
  readonly name = 'http'
  /** The server to attach to, before `start`. */
  readonly server: Server
  readonly #listening: ListeningServer

  constructor(options: HttpListenerOptions) {
    this.server = createServer({
      // Counted from the connection on, so a connection that never sends a request ends too.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 2_500,
      maxHeaderSize: MAX_HEADER_BYTES,
      ...SOCKET_OPTIONS,
    })
    this.#listening = new ListeningServer(this.server, options, SOCKET_OPTIONS, options.log)
  }

  get address(): ListenerAddress {
    return this.#listening.address(this.name)
  }

  async start(): Promise<void> {
    await this.#listening.start()
  }

  async stop(): Promise<void> {
    await this.#listening.stop()
    // Upgraded connections no longer belong to the server and stay open.
    this.server.closeAllConnections()
  }
}
