import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import type { Peer } from '../auth/identity.ts'
import { type Door, strangersDoor } from '../connection/transport.ts'
import { type Arrival, type PeerAddress, peerAddress } from './arrival.ts'

/** Who asks over HTTP, and which way that has come. */
export interface HttpPeer extends PeerAddress {
  readonly door: Door
  /** It was asked for over TLS, be it of the hub or of a proxy. */
  readonly isSecure: boolean
}

/** Of a socket that no listener of ours has handed over. */
const UNKNOWN: Arrival = {
  door: strangersDoor('http'),
  peer: undefined,
  isSecure: false,
  isUntouched: true,
  isTrusted: () => false,
}
const ARRIVALS = new WeakMap<Socket, Arrival>()
/** The addresses that a proxy passes on, the client first [RFC 7239 §7.4]. */
const MAX_FORWARDED_CHARACTERS = 4096
/** An address with or without a port: `192.0.2.7`, `192.0.2.7:50000`, `2001:db8::7`, `[2001:db8::7]:50000`. */
const FORWARDED = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)|([0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*))(?::(\d{1,5}))?$/i

/** Keeps how a connection of HTTP has come, for its requests. */
export function noteArrival(socket: Socket, arrival: Arrival): void {
  ARRIVALS.set(socket, arrival)
}

/** The peer of the connection itself, whatever its requests say. */
export function connectionPeer(socket: Socket): PeerAddress {
  return peerAddress(socket, ARRIVALS.get(socket)?.peer)
}

/**
 * Who asks. What a proxy says of it (`X-Forwarded-For`, `X-Forwarded-Proto`) counts only when the connection comes from one that
 * is trusted, and of several the last that is not trusted itself: what stands before it anybody may have written.
 */
export function peerOfRequest({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): HttpPeer {
  const arrival = ARRIVALS.get(socket) ?? UNKNOWN
  const { door, isSecure, isTrusted } = arrival
  const own = peerAddress(socket, arrival.peer)
  if (!isTrusted(own.host)) return { ...own, door, isSecure }
  const protocol = headers['x-forwarded-proto']
  const isOverTls = protocol === undefined ? isSecure : String(protocol).split(',').at(-1)?.trim() === 'https'
  const forwarded = String(headers['x-forwarded-for'] ?? '')
  const hops = forwarded.length > MAX_FORWARDED_CHARACTERS ? [] : forwarded.split(',').map((hop) => hop.trim())
  let peer = own
  for (const hop of hops.toReversed()) {
    const said = readHop(hop)
    if (said === undefined) break
    peer = said
    if (!isTrusted(said.host)) break
  }
  return { ...peer, door, isSecure: isOverTls }
}

/** Where a request comes from, and what is known of who asks by that alone. */
export function peerOf(request: IncomingMessage): Peer {
  const { host, door } = peerOfRequest(request)
  return { host, listener: door.listener, certificateName: door.certificateName }
}

/** Whether a proxy says that it passes the request on: who asks is not who has connected. */
export function isFromProxy({ headers }: IncomingMessage): boolean {
  return ['forwarded', 'x-forwarded-for', 'via'].some((name) => headers[name] !== undefined)
}

/** Whether the request came over TLS, to the hub itself or to a proxy that is trusted. */
export function isEncrypted(request: IncomingMessage): boolean {
  return peerOfRequest(request).isSecure
}

/**
 * The origins that pages of this very hub have, as this request was made: scheme, host and port of its address, and of the address
 * that people know (`http.publicUrl`). Pages of another port of the same machine are not among them, and those of `websocket.origins`
 * neither: a browser sends our cookie for them all the same.
 */
export function ownOrigins(request: IncomingMessage, publicUrl: string | undefined): readonly string[] {
  const { host } = request.headers
  const asked = `${isEncrypted(request) ? 'https' : 'http'}://${host ?? ''}`
  // As browsers write it: in lower case, without the scheme's own port.
  const own = URL.canParse(asked) ? [new URL(asked).origin] : []
  return publicUrl === undefined ? own : [...own, new URL(publicUrl).origin]
}

function readHop(hop: string): PeerAddress | undefined {
  const [whole, bracketed, v4, v6, port = '0'] = FORWARDED.exec(hop) ?? []
  const host = bracketed ?? v4 ?? v6
  return whole === undefined || host === undefined || isIP(host) === 0 ? undefined : { host, port: Number(port) }
}
