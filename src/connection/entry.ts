import type { Gate } from '../auth/gate.ts'
import { type Identity, isRefusal, type Refusal as AuthRefusal } from '../auth/identity.ts'
import type { Log } from '../base/log.ts'
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import type { ConnectPacket } from '../protocol/connect-packet.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { foreignSession, type Refusal, refusalByGate, UNDECIDED } from './refusal.ts'
import type { Door } from './transport.ts'
import { willFault } from './will.ts'

/** Whose CONNECT it is. */
export interface EntryOwner {
  readonly connection: { readonly transport: { readonly remoteHost: string; readonly door: Door } }
  letIn(connect: ConnectPacket, clientId: string, identity: Identity): void
  /** @throws MalformedPacketError */
  refuse(refusal: Refusal): never
  /** The connection has to end. */
  malformed(fault: MalformedPacketError): void
}

/** Knows whose sessions there are. */
export interface SessionOwners {
  /** False when the session of this client belongs to another user. */
  mayHave(clientId: string, user: string | undefined): boolean
}

export interface EntryParts {
  readonly gate: Gate
  readonly sessions: SessionOwners
  readonly log: Log
}

/**
 * Finds out who sends a CONNECT, and whether the session and the will that it asks for are that user's to have. That may take as long as
 * a slow hash; meanwhile nothing else of the connection is handled, and little of it is read.
 */
export class Entry {
  readonly #owner: EntryOwner
  readonly #parts: EntryParts
  #isEnded = false

  constructor(owner: EntryOwner, parts: EntryParts) {
    this.#owner = owner
    this.#parts = parts
  }

  /** @throws MalformedPacketError when the client is refused in the call */
  take(connect: ConnectPacket, clientId: string): void {
    const { remoteHost: host, door } = this.#owner.connection.transport
    const { userName, password } = connect
    const { gate } = this.#parts
    const { listener, certificateName } = door
    const answer =
      userName === undefined && password === undefined && door.identity !== undefined
        ? { ...door.identity, clientId }
        : gate.authenticate({ userName, password, clientId }, { host, listener, certificateName })
    if (answer instanceof Promise) {
      answer.then(
        (late) => this.#later(() => this.#decide(connect, clientId, late)),
        (error: unknown) => this.#later(() => this.#fail(error)),
      )
    } else {
      this.#decide(connect, clientId, answer)
    }
  }

  /** The connection is gone: whatever is found out is of no use. */
  end(): void {
    this.#isEnded = true
  }

  #later(proceed: () => void): void {
    if (this.#isEnded) return
    const before = LOOP_TIMES.enter(LoopPart.CONTROL)
    try {
      proceed()
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error
      this.#owner.malformed(error)
    } finally {
      LOOP_TIMES.leave(before)
    }
  }

  #fail(error: unknown): void {
    this.#parts.log.error({ err: error }, 'it could not be found out who a client is')
    this.#owner.refuse(UNDECIDED)
  }

  #decide(connect: ConnectPacket, clientId: string, answer: Identity | AuthRefusal): void {
    const { gate, sessions } = this.#parts
    if (isRefusal(answer)) this.#owner.refuse(refusalByGate(answer))
    if (!sessions.mayHave(clientId, answer.user)) this.#owner.refuse(foreignSession(clientId))
    const { will } = connect
    const fault = will === undefined ? undefined : willFault(will, gate.viewOf(answer).publish(will.topic))
    if (fault !== undefined) this.#owner.refuse(fault)
    this.#owner.letIn(connect, clientId, answer)
  }
}
