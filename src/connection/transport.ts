import type { Identity } from '../auth/identity.ts'
import type { LimitName } from '../observe/ledger.ts'

/** How a connection has come to the hub, and who it is by that alone. Connections that differ in nothing share one. */
export interface Door {
  /** The name of the listener. */
  readonly listener: string
  /** The name in a client certificate that the listener has found good. */
  readonly certificateName: string | undefined
  /** Who is signed in on the page that it belongs to: a CONNECT without a user name acts as that person. */
  readonly identity: Identity | undefined
}

/** The door of a listener to strangers. */
export function strangersDoor(listener: string): Door {
  return { listener, certificateName: undefined, identity: undefined }
}

/**
 * One network connection as bytes, whatever carries it.
 *
 *   1. Nothing is delivered before `attach`, which is called once.
 *   2. Chunks come in order; each is valid until `received` returns: the next may be read into the same memory.
 *   3. The buffers of a `write` belong to the transport until its `taken`; each write is reported once, in order, and never inside a
 *      call to the transport; after `leave` or `destroy` it may not be reported.
 *   4. After `end`, `leave` or `destroy` nothing more is received; what was written before `end` or `leave` is sent first.
 *   5. `closed` comes exactly once, last, and never inside a call to the transport.
 *   6. After `awaitTurn`, `takeTurn` comes in the next turns of the event loop until it returns false, even if the transport is paused
 *      or closed meanwhile, and nothing is received between.
 *   7. A peer that ends its side ends the connection: MQTT knows no half-open one.
 *
 * Not promised: that a chunk, or a WebSocket frame, holds whole packets.
 */
export interface Transport {
  readonly kind: 'tcp' | 'websocket'
  /** Address and port of the peer, `192.0.2.7:52311` or `[::1]:52311`; for logs. To ask for it the first time costs a call of the system. */
  readonly remoteAddress: string
  /** Address of the peer alone; for limits per address. `unknown` when the peer was gone before it was first asked for. */
  readonly remoteHost: string
  readonly door: Door
  attach(owner: TransportOwner): void
  /** Hands over one or more buffers as one write. */
  write(chunks: readonly Buffer[]): void
  /** Sends what is due, then closes; a peer that does not close too is cut off after two seconds. */
  end(): void
  /** The same for a peer that has said that it goes, and sends nothing more: it need not be waited for. */
  leave(): void
  /** Closes at once; what is due is lost. */
  destroy(): void
  /** Stops reading, so that the peer has to wait; a few chunks may still come. */
  pause(): void
  resume(): void
  /** Has the owner handle what it has put off, in this connection's share of the next turns, before more is read. */
  awaitTurn(): void
}

/** Ends a connection whose peer sent a frame of the transport's own that is over a limit: of any packet, or of memory. */
export class FrameLimitError extends Error {
  readonly limit: LimitName

  constructor(limit: LimitName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.limit = limit
  }
}

/** What a transport tells its owner. */
export interface TransportOwner {
  /** Copy what you keep: the chunk changes after the call. */
  received(chunk: Buffer): void
  /** Its turn, of `awaitTurn`: handles at most so many bytes of what it has put off. Returns whether it needs one more. */
  takeTurn(maxBytes: number): boolean
  /** The system has taken everything of the oldest write not yet reported. */
  taken(): void
  /** The connection is gone; `error` is what ended it, if it was not an orderly close. */
  closed(error: Error | undefined): void
}
