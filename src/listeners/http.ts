import { createServer, type Server } from 'node:http'
import {
  addressOf,
  listen,
  type Listener,
  type ListenerAddress,
  type ListenerLog,
  type ListenOptions,
  stopListening,
} from './listener.ts'

export interface HttpListenerOptions extends ListenOptions {
  readonly log: ListenerLog
}

/** A request may name the longest topic or client identifier of MQTT, 65,535 bytes, with all of them escaped; and headers. */
const MAX_HEADER_BYTES = 256 * 1024

/** Listens for HTTP. It answers nothing itself: others listen for requests and upgrade requests on `server`. */
export class HttpListener implements Listener {
  readonly name = 'http'
  /** The server to attach to, before `start`. */
  readonly server: Server
  readonly #options: HttpListenerOptions

  constructor(options: HttpListenerOptions) {
    this.#options = options
    this.server = createServer({
      // Counted from the connection on, so a connection that never sends a request ends too.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 2_500,
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
    })
  }

  get address(): ListenerAddress {
    return addressOf(this.server, this.name)
  }

  async start(): Promise<void> {
    await listen(this.server, this.#options, this.#options.log)
  }

  async stop(): Promise<void> {
    await stopListening(this.server)
    // Upgraded connections no longer belong to the server and stay open.
    this.server.closeAllConnections()
  }
}
