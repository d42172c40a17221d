import { createServer, type Socket } from 'node:net'
import type { ListenerSettings, ProxySettings } from '../config/listener-settings.ts'
import { type Door, strangersDoor } from '../connection/transport.ts'
import type { LimitName } from '../observe/ledger.ts'
import { type PeerAddress, peerAddress, peerText, type Refused, type TakeSocket } from './arrival.ts'
import { ListeningServer } from './listening-server.ts'
import type { Listener, ListenerAddress, ListenerLog, ListenOptions } from './listener.ts'
import { Opening, type OpeningSteps } from './opening.ts'
import { compileTrusted, type IsTrusted } from './proxy/trusted.ts'
import type { TlsEntry } from './tls/tls-entry.ts'

/** Of the settings of a listener, what may change while it listens. */
export type EntrySettings = Pick<ListenerSettings, 'maxConnections' | 'maxConnectionsPerAddress' | 'proxies'>

export interface SocketListenerOptions extends ListenOptions {
  readonly log: ListenerLog
  /** The name of the listener; default the kind of it. */
  readonly name?: string
  readonly entry?: EntrySettings
  /** It ends TLS. */
  readonly tls?: TlsEntry | undefined
  /** Told of connections that were ended before anybody took them over. */
  readonly refused?: Refused
  /** Told of limits that a connection would have passed, which was ended at once. */
  readonly limited?: (limit: LimitName, address: string, listener: string) => void
  /** A peer that has ended its side still gets its answer; default it is gone. */
  readonly allowHalfOpen?: boolean
  /** Whether one more may begin besides so many that have not come to MQTT or HTTP yet; default it always may. */
  readonly hasRoom?: (waiting: number) => boolean
  /** Whether an address is refused before TLS and all else, for what came from it before; default none is. */
  readonly turnsAway?: ((host: string) => boolean) | undefined
}

/** In place of an address. */
const UNIX_HOST = 'unix'
const NO_PROXIES: ProxySettings = { sendHeader: false, sendCertificate: false, trusted: [] }
const OPEN: EntrySettings = { maxConnections: Infinity, maxConnectionsPerAddress: Infinity, proxies: NO_PROXIES }

/** After this long without a byte the system asks whether the peer still exists; finds devices that lost their power. */
const PROBE_AFTER_MS = 60_000
const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: PROBE_AFTER_MS,
  pauseOnConnect: true,
} as const

/** Listens on a port or a Unix socket, and hands over each connection when its beginning is done: proxy, TLS, limits. */
export class SocketListener implements Listener {
  readonly name: string
  readonly #options: SocketListenerOptions
  readonly #listening: ListeningServer
  readonly #take: TakeSocket
  readonly #door: Door
  readonly #isUnix: boolean
  #entry: EntrySettings
  #tls: TlsEntry | undefined
  #isTrusted: IsTrusted
  #steps: OpeningSteps
  /** Those that have come over a Unix socket, which have no address to tell them apart. */
  #unixNumber = 0
  #open = 0
  #waiting = 0
  readonly #openByHost = new Map<string, number>()

  constructor(options: SocketListenerOptions, kind: string, take: TakeSocket) {
    this.name = options.name ?? kind
    this.#options = options
    this.#take = take
    this.#door = strangersDoor(this.name)
    this.#isUnix = options.path !== undefined
    this.#entry = options.entry ?? OPEN
    this.#tls = options.tls
    this.#isTrusted = compileTrusted(this.#entry.proxies.trusted)
    this.#steps = this.#makeSteps()
    const socketOptions = { ...SOCKET_OPTIONS, allowHalfOpen: options.allowHalfOpen ?? false }
    const server = createServer(socketOptions, (socket: Socket) => this.#came(socket))
    this.#listening = new ListeningServer(server, options, socketOptions, options.log)
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

  /** Takes other limits, proxies and TLS, for those that come from now on. */
  change(entry: EntrySettings, tls: TlsEntry | undefined): void {
    this.#entry = entry
    this.#tls = tls
    this.#isTrusted = compileTrusted(entry.proxies.trusted)
    this.#steps = this.#makeSteps()
  }

  #makeSteps(): OpeningSteps {
    const { sendHeader, sendCertificate } = this.#entry.proxies
    const tls = this.#tls
    const { refused = () => undefined } = this.#options
    const isSecure = tls !== undefined
    const isUntouched = !isSecure && !sendHeader
    const arrival = { door: this.#door, peer: undefined, isSecure, isUntouched, isTrusted: this.#isTrusted }
    return { arrival, proxy: sendHeader ? { takesCertificate: sendCertificate } : undefined, tls, refused }
  }

  #came(socket: Socket): void {
    const { hasRoom } = this.#options
    const { maxConnections, proxies } = this.#entry
    if (maxConnections !== Infinity && !this.#count(socket, maxConnections)) return
    const steps = this.#isUnix ? this.#unixSteps() : this.#steps
    if (proxies.sendHeader && !this.#isUnix && !this.#isTrusted(peerAddress(socket, undefined).host)) {
      const reason = 'only the proxies of this listener (trustedProxies) may connect to it'
      const address = peerText(socket, undefined)
      this.#options.refused?.({ kind: 'proxy-refused', listener: this.name, address, reason })
      destroy(socket)
      return
    }
    if (steps.proxy === undefined && steps.tls === undefined) {
      if (this.#enters(socket, steps.arrival.peer)) this.#take(socket, steps.arrival)
      return
    }
    if (hasRoom?.(this.#waiting) === false) {
      this.#end(socket, undefined, 'open-files')
      return
    }
    this.#waiting++
    const ended = (): void => void this.#waiting--
    const opening = new Opening(socket, steps, (peer) => this.#enters(socket, peer), ended, this.#take)
    opening.begin()
  }

  #unixSteps(): OpeningSteps {
    const peer = { host: UNIX_HOST, port: ++this.#unixNumber }
    return { ...this.#steps, arrival: { ...this.#steps.arrival, peer } }
  }

  /** Counts a connection, if there may be one more. */
  #count(socket: Socket, maxConnections: number): boolean {
    if (this.#open >= maxConnections) {
      this.#end(socket, undefined, 'connections')
      return false
    }
    this.#open++
    socket.once('close', () => this.#open--)
    return true
  }

  /** Its address is known: counts it there, if there may be one more. */
  #enters(socket: Socket, peer: PeerAddress | undefined): boolean {
    const { maxConnectionsPerAddress } = this.#entry
    const { host } = peerAddress(socket, peer)
    if (this.#options.turnsAway?.(host) === true) {
      destroy(socket)
      return false
    }
    if (maxConnectionsPerAddress === Infinity) return true
    const open = this.#openByHost.get(host) ?? 0
    if (open >= maxConnectionsPerAddress) {
      this.#end(socket, peer, 'connections-per-address')
      return false
    }
    this.#openByHost.set(host, open + 1)
    socket.once('close', () => {
      const left = (this.#openByHost.get(host) ?? 1) - 1
      if (left === 0) this.#openByHost.delete(host)
      else this.#openByHost.set(host, left)
    })
    return true
  }

  #end(socket: Socket, peer: PeerAddress | undefined, limit: LimitName): void {
    this.#options.limited?.(limit, peerText(socket, peer), this.name)
    destroy(socket)
  }
}

function destroy(socket: Socket): void {
  // An error without a listener would end the process.
  socket.on('error', () => undefined)
  socket.destroy()
}
