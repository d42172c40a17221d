import type { Client } from 'aedes'
import type { ControlPeer } from './admitted-client.ts'

/** What Aedes calls on the network connection of a client: the few members of a stream that it uses. */
export interface AedesConnection {
  readonly destroyed: boolean
  setMaxListeners(count: number): unknown
  on(event: string, listener: (...values: never[]) => void): unknown
  once(event: string, listener: (...values: never[]) => void): unknown
  removeListener(event: string, listener: (...values: never[]) => void): unknown
  removeAllListeners(event?: string): unknown
  emit(event: string): unknown
  read(): unknown
  write(bytes: Buffer): boolean
  destroy(error?: Error): unknown
}

/** Admits the client of an admission that Aedes has found good. */
export interface Admitter {
  admit(admission: Admission, clientId: string): void
}

/**
 * The network connection that an Aedes client sees while it handles its CONNECT: the bytes of that packet can be read, and
 * what Aedes writes goes nowhere, since the connection writes the answer itself. A stream would cost several times as much.
 */
export class Admission implements AedesConnection {
  readonly peer: ControlPeer
  readonly #admitter: Admitter
  #client: Client | undefined = undefined
  #connect: Buffer | undefined
  #onReadable: (() => void) | undefined = undefined
  #isDestroyed = false

  /** Keeps the bytes of the CONNECT, which is one of MQTT 3.1 or 3.1.1. */
  constructor(peer: ControlPeer, connect: Buffer, admitter: Admitter) {
    this.peer = peer
    this.#connect = connect
    this.#admitter = admitter
  }

  get destroyed(): boolean {
    return this.#isDestroyed
  }

  /** Has the client that Aedes made for this connection handle the CONNECT. */
  begin(client: Client): void {
    this.#client = client
    this.#onReadable?.()
  }

  /** Aedes is done with the CONNECT but for its answer. */
  admit(clientId: string): void {
    this.#admitter.admit(this, clientId)
  }

  /** Ends the client before it is admitted. */
  destroy(error?: Error): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.peer.controlEnded(error ?? null)
    this.#client?.close()
  }

  read(): Buffer | null {
    const connect = this.#connect
    this.#connect = undefined
    return connect ?? null
  }

  write(): boolean {
    return true
  }

  on(event: string, listener: () => void): this {
    if (event === 'readable') this.#onReadable = listener
    return this
  }

  // Nothing else happens to it that Aedes could be told of.
  once(): this {
    return this
  }

  removeListener(): this {
    return this
  }

  removeAllListeners(): this {
    return this
  }

  setMaxListeners(): this {
    return this
  }

  emit(): boolean {
    return false
  }
}
