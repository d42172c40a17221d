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

/** Aedes' own client, with a member that its types leave out. */
export interface AedesClient extends Client {
  /** Reads what there is from its connection, and handles it. */
  resume(): void
}

/** Where clients are admitted. */
export interface Admitter {
  readonly handle: (connection: AedesConnection) => AedesClient
  /** Admits the client of an admission that Aedes has found good. */
  admit(admission: Admission, clientId: string): void
  /** The desk can take the next one. */
  isFree(desk: Desk): void
}

/** Types of values that hold others. */
const HOLDING: ReadonlySet<string> = new Set(['object', 'function'])

/** The CONNECT of a client, while Aedes handles it. */
export class Admission {
  readonly peer: ControlPeer
  #desk: Desk | undefined
  #isDestroyed = false

  constructor(peer: ControlPeer, desk: Desk) {
    this.peer = peer
    this.#desk = desk
  }

  get destroyed(): boolean {
    return this.#isDestroyed
  }

  /** Ends the client before it is admitted. */
  destroy(error?: Error): void {
    const desk = this.#desk
    if (this.#isDestroyed || desk === undefined) return
    this.#isDestroyed = true
    this.peer.controlEnded(error ?? null)
    desk.close()
  }

  /** It is admitted: the desk is for others now. */
  leaveDesk(): void {
    this.#desk = undefined
  }
}

/**
 * Where an Aedes client handles CONNECTs, one at a time. It is the network connection that this client sees: the bytes of the CONNECT
 * can be read, and what Aedes writes goes nowhere, since the connection writes the answer itself. A stream would cost several times
 * as much, and a client of Aedes for each CONNECT a tenth of what it costs to connect. One that Aedes has not found good is the last.
 */
export class Desk implements AedesConnection {
  readonly #admitter: Admitter
  readonly #client: AedesClient
  /** What Aedes has made its client with: all of it that is no object. */
  readonly #asMade: Readonly<Record<string, unknown>>
  #admission: Admission | undefined = undefined
  #connect: Buffer | undefined = undefined

  constructor(admitter: Admitter) {
    this.#admitter = admitter
    this.#client = admitter.handle(this)
    this.#asMade = plainFields(this.#client)
  }

  /** Whose CONNECT is handled; undefined: nobody's. */
  get admission(): Admission | undefined {
    return this.#admission
  }

  /** Has a CONNECT handled, a packet of MQTT 3.1 or 3.1.1, whose bytes it keeps. */
  take(peer: ControlPeer, connect: Buffer): Admission {
    const admission = new Admission(peer, this)
    this.#admission = admission
    this.#connect = connect
    this.#client.resume()
    return admission
  }

  /** Aedes is done with the CONNECT but for its answer. */
  admit(clientId: string): void {
    const admission = this.#admission
    if (admission === undefined) return
    this.#admission = undefined
    admission.leaveDesk()
    // Whatever it knows of one client it must not take for another's: its identifier, its will, that it was let in.
    Object.assign(this.#client, this.#asMade)
    this.#admitter.admit(admission, clientId)
    this.#admitter.isFree(this)
  }

  /** Nobody is handled here any more. */
  close(): void {
    this.#client.close()
  }

  get destroyed(): boolean {
    return this.#admission?.destroyed !== false
  }

  destroy(error?: Error): void {
    this.#admission?.destroy(error)
  }

  read(): Buffer | null {
    const connect = this.#connect
    this.#connect = undefined
    return connect ?? null
  }

  write(): boolean {
    return true
  }

  // Nothing happens to it that Aedes could be told of.
  on(): this {
    return this
  }

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

function plainFields(client: Client): Record<string, unknown> {
  return Object.fromEntries(Object.entries(client).filter(([, value]) => value === null || !HOLDING.has(typeof value)))
}
