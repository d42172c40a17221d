import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Identity } from '../auth/identity.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { formatAddress } from '../base/addresses.ts'
import type { Accept, ListenerLog } from './listener.ts'
import { peerOfRequest } from './http-peer.ts'
import { compileOrigins, type MayConnectFrom } from './origins.ts'
import type { ReadTurn } from './read-turn.ts'
import { WebSocketTransport } from './websocket-transport.ts'

/** Who makes an upgrade request. */
export interface UpgradeCaller {
  readonly identity: Identity
  /** Calls `over` when what they have shown is not good any more: the connection ends. Returns a function that ends that. */
  whenOver(over: () => void): () => void
}

export interface WebSocketListenerOptions {
  /** Its upgrade requests are answered; whoever made it starts and stops it. */
  readonly server: Server
  /** Where MQTT is, without a slash at the end. */
  readonly path: string
  /** Where those are taken, too, who offer the subprotocol of MQTT. */
  readonly otherPaths: readonly string[]
  readonly log: ListenerLog
  readonly readTurn: ReadTurn
  /** Told of upgrade requests that are refused, and why. */
  readonly refused: (address: string, reason: string) => void
  /** Origins of pages that may connect besides the hub's own; `*` is all. */
  readonly origins: readonly string[]
  readonly maxPacketBytes: number
  readonly maxConnectPacketBytes: number
  /** Who makes an upgrade request; undefined: nobody has shown who they are. Rejects when what they show is not good. */
  readonly identify: (request: IncomingMessage) => UpgradeCaller | undefined | Promise<UpgradeCaller | undefined>
  /** What frames hold that have not come whole. */
  readonly unfinished: MemoryAccount
  /** How often a ping is sent; null is never. */
  readonly pingSeconds: number | null
}

/** MQTT 3.1.1 and 5 name the first [MQTT-6.0.0-3], MQTT 3.1 clients the second. */
const SUBPROTOCOLS: readonly string[] = ['mqtt', 'mqttv3.1']
/** A message may hold many packets: clients gather what they have while they wait for the socket. */
const GATHERED_BYTES = 1_048_576
/** What the frames of a CONNECT add to it, with room. */
const FRAME_HEADER_BYTES = 1024
/** How long a peer may take to answer our close frame. */
const CLOSE_TIMEOUT_MS = 2000

/** Takes upgrade requests of an HTTP server as MQTT connections. */
export class WebSocketListener {
  readonly #options: WebSocketListenerOptions
  readonly #accept: Accept
  readonly #mayConnectFrom: MayConnectFrom
  readonly #webSocketServer: WebSocketServer
  readonly #onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly #open = new Set<WebSocketTransport>()
  #pingTimer: NodeJS.Timeout | undefined = undefined

  constructor(options: WebSocketListenerOptions, accept: Accept) {
    this.#options = options
    this.#accept = accept
    this.#mayConnectFrom = compileOrigins(options.origins)
    const webSocketOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maxPacketBytes + GATHERED_BYTES,
      // A text frame is refused whatever it says.
      skipUTF8Validation: true,
      // Unknown to @types/ws 8.18.
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered: Set<string>) => chooseSubprotocol(offered) ?? false,
    }
    this.#webSocketServer = new WebSocketServer(webSocketOptions)
    this.#onUpgrade = (request, socket, head) => this.#upgrade(request, socket, head)
  }

  start(): Promise<void> {
    const { server, pingSeconds } = this.#options
    server.on('upgrade', this.#onUpgrade)
    if (pingSeconds !== null) {
      this.#pingTimer = setInterval(() => this.#ping(), pingSeconds * 1000)
      this.#pingTimer.unref()
    }
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.#options.server.removeListener('upgrade', this.#onUpgrade)
    clearInterval(this.#pingTimer)
    return Promise.resolve()
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url = '', headers } = request
    const path = url.split('?', 1)[0]?.replace(/(?<=[^/])\/$/, '')
    const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim())
    const isMqttOffered = offered !== undefined && chooseSubprotocol(offered) !== undefined
    const peer = peerOfRequest(request)
    const address = formatAddress(peer.host, peer.port)
    const refuse = (status: number, reason: string): void => {
      this.#options.refused(address, reason)
      sendRefusal(socket, status, reason)
    }
    const { path: ownPath, otherPaths } = this.#options
    if (path !== ownPath && !(isMqttOffered && path !== undefined && otherPaths.includes(path))) {
      refuse(404, `MQTT over WebSocket is at ${ownPath}.`)
      return
    }
    if (offered !== undefined && !isMqttOffered) {
      refuse(400, `None of the subprotocols is known here; MQTT clients offer ${SUBPROTOCOLS.join(' or ')}.`)
      return
    }
    const origin = originOf(request)
    if (!this.#mayConnectFrom(origin, headers)) {
      const fields = { address, origin, host: headers.host }
      this.#options.log.warn(fields, 'WebSocket refused: websocket.origins does not list the origin of its page')
      refuse(403, 'Pages of this origin may not connect; the hub has a list of those that may.')
      return
    }
    const caller = this.#options.identify(request)
    if (!(caller instanceof Promise)) {
      this.#accepted(request, socket, head, caller)
      return
    }
    // Node has taken its own listeners off, and an error without one would end the process.
    const gone = (): void => void socket.destroy()
    socket.on('error', gone)
    caller
      .finally(() => socket.removeListener('error', gone))
      .then(
        (known) => this.#accepted(request, socket, head, known),
        (error: unknown) => refuse(401, error instanceof Error ? error.message : String(error)),
      )
  }

  #accepted(request: IncomingMessage, socket: Duplex, head: Buffer, caller: UpgradeCaller | undefined): void {
    const peer = peerOfRequest(request)
    this.#webSocketServer.handleUpgrade(request, socket, head, (webSocket) => {
      const { maxConnectPacketBytes, pingSeconds, readTurn, unfinished } = this.#options
      const maxUnansweredBytes = maxConnectPacketBytes + FRAME_HEADER_BYTES
      const transport = new WebSocketTransport(
        webSocket,
        request.socket,
        caller === undefined ? peer : { ...peer, door: { ...peer.door, identity: caller.identity } },
        readTurn,
        maxUnansweredBytes,
        unfinished,
      )
      if (pingSeconds !== null) {
        this.#open.add(transport)
        webSocket.once('close', () => this.#open.delete(transport))
      }
      const forget = caller?.whenOver(() => transport.end())
      if (forget !== undefined) webSocket.once('close', forget)
      this.#accept(transport)
    })
  }

  #ping(): void {
    for (const transport of this.#open) transport.ping()
  }
}

/** The first that is known, so that the client's preference counts. */
function chooseSubprotocol(offered: Iterable<string>): string | undefined {
  for (const name of offered) if (SUBPROTOCOLS.includes(name)) return name
  return undefined
}

/** Drafts of the WebSocket protocol, which ws still takes, had another name for it. */
function originOf({ headers }: IncomingMessage): string | undefined {
  const draftOrigin = headers['sec-websocket-origin']
  return headers.origin ?? (typeof draftOrigin === 'string' ? draftOrigin : undefined)
}

function sendRefusal(socket: Duplex, status: number, reason: string): void {
  const body = `${reason}\n`
  // Node has taken its own listeners off, and an error without one would end the process.
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      'Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
