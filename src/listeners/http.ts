import { createServer, type Server } from 'node:http'
import { noteArrival } from './http-peer.ts'
import { SocketListener, type SocketListenerOptions } from './socket-listener.ts'

export interface HttpListenerOptions extends SocketListenerOptions {
  /** What serves its requests; default a server of its own. */
  readonly http?: HttpServer
}

/** A request may name the longest topic or client identifier of MQTT, 65,535 bytes, with all of them escaped; and headers. */
const MAX_HEADER_BYTES = 256 * 1024

/** The HTTP of all listeners of a hub. It answers nothing itself: others listen for requests and upgrade requests on `server`. */
export class HttpServer {
  readonly server: Server
  #listeners = 0

  constructor() {
    this.server = createServer({
      // Counted from the connection on, so a connection that never sends a request ends too.
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 2_500,
      maxHeaderSize: MAX_HEADER_BYTES,
    })
  }

  opened(): void {
    // It gets its connections from others, and Node begins to watch their times when a server listens.
    if (this.#listeners++ === 0) this.server.emit('listening')
  }

  closed(): void {
    if (--this.#listeners > 0) return
    // Ends the watch as well.
    this.server.close()
    // Upgraded connections no longer belong to the server and stay open.
    this.server.closeAllConnections()
  }
}

/** Listens for HTTP, plain or over TLS. */
export class HttpListener extends SocketListener {
  readonly #http: HttpServer
  #isOpen = false

  constructor(options: HttpListenerOptions) {
    const http = options.http ?? new HttpServer()
    super({ ...options, allowHalfOpen: true }, 'http', (socket, arrival) => {
      noteArrival(socket, arrival)
      http.server.emit('connection', socket)
      // It was paused, to be looked at first.
      socket.resume()
    })
    this.#http = http
  }

  /** The server to attach to, before `start`. */
  get server(): Server {
    return this.#http.server
  }

  override async start(): Promise<void> {
    await super.start()
    this.#isOpen = true
    this.#http.opened()
  }

  override async stop(): Promise<void> {
    await super.stop()
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#http.closed()
  }
}
