import type { Accept } from './listener.ts'
import { canChooseMemory } from './read-memory.ts'
import type { ReadTurn } from './read-turn.ts'
import { SocketListener, type SocketListenerOptions } from './socket-listener.ts'
import { TcpTransport } from './tcp-transport.ts'

export interface TcpListenerOptions extends SocketListenerOptions {
  readonly readTurn: ReadTurn
}

/** Listens for MQTT over TCP, TLS or a Unix socket. */
export class TcpListener extends SocketListener {
  constructor(options: TcpListenerOptions, accept: Accept) {
    super(options, 'mqtt', (socket, { door, peer, isUntouched }) =>
      accept(new TcpTransport(socket, door, options.readTurn, canChooseMemory && isUntouched, peer)),
    )
  }
}
