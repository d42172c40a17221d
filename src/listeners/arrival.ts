import type { Socket } from 'node:net'
import { formatAddress } from '../base/addresses.ts'
import type { Door } from '../connection/transport.ts'
import type { MishapKind } from '../observe/mishap-kinds.ts'
import { peerHost } from './listener.ts'
import type { IsTrusted } from './proxy/trusted.ts'

/** What is known of a connection by the way that it has come. Connections that differ in nothing share one. */
export interface Arrival {
  readonly door: Door
  /** What stands for the address of the peer: what its proxy says, or the number of a Unix socket. Undefined: ask the socket. */
  readonly peer: PeerAddress | undefined
  readonly isSecure: boolean
  /** Nothing was read of the socket, nor is it decrypted: it may be read in any way. */
  readonly isUntouched: boolean
  /** Whose `X-Forwarded-For` counts. */
  readonly isTrusted: IsTrusted
}

export interface PeerAddress {
  readonly host: string
  readonly port: number
}

/** Takes over a socket that may be paused, and has bytes that were read ahead. */
export type TakeSocket = (socket: Socket, arrival: Arrival) => void

/** Told of connections that a listener ends by itself, each once. `address` as `Transport.remoteAddress`. */
export type Refused = (refusal: Refusal) => void

export interface Refusal {
  readonly kind: MishapKind
  readonly listener: string
  readonly address: string
  readonly reason: string
}

/** Host and port of a peer, by what is known of it. */
export function peerAddress(socket: Socket, peer: PeerAddress | undefined): PeerAddress {
  return peer ?? { host: peerHost(socket.remoteAddress), port: socket.remotePort ?? 0 }
}

export function peerText(socket: Socket, peer: PeerAddress | undefined): string {
  const { host, port } = peerAddress(socket, peer)
  return formatAddress(host, port)
}
