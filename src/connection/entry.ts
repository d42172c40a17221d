import type { Gate } from '../auth/gate.ts'
import { type Identity, isRefusal, type Peer, type Refusal as AuthRefusal } from '../auth/identity.ts'
import type { Log } from '../base/log.ts'
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { type AuthPacket, encodeAuth } from '../protocol/auth-packet.ts'
import type { ConnectPacket } from '../protocol/connect-packet.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { Session } from '../session/session.ts'
import { foreignSession, type Refusal, refusalByGate, UNDECIDED, unknownMethod } from './refusal.ts'
import type { Door } from './transport.ts'
import { type AuthenticationOwner, EnhancedAuthentication } from './v5/enhanced-authentication.ts'
import { willFault } from './will.ts'

/** Whose CONNECT it is. */
export interface EntryOwner {
  readonly connection: {
    readonly transport: { readonly remoteHost: string; readonly door: Door }
    /** The next packet has to come in time, or the connection ends. */
    awaitPacket(): void
    close(reason: string, code: ReasonCode): void
  }
  /** Once the client is let in. */
  readonly session: Session | undefined
  letIn(connect: ConnectPacket, clientId: string, identity: Identity): void
  sendPacket(packet: Buffer): void
  /** Later packets may come. */
  proceed(): void
  /** @throws MalformedPacketError */
  refuse(refusal: Refusal): never
  /** The connection has to end. */
  malformed(fault: MalformedPacketError): void
}

/** Knows whose sessions there are. */
export interface SessionOwners {
  /** False when the session of this client belongs to another user. */
  mayHave(clientId: string, user: string | undefined): boolean
  /** The client of a session has shown again who it is. */
  renewed(session: Session, identity: Identity): void
}

export interface EntryParts {
  readonly gate: Gate
  readonly sessions: SessionOwners
  readonly log: Log
}

/** What its upgrade request has shown was withdrawn, or has ended, before the CONNECT came. */
const NOT_ANY_MORE: AuthRefusal = { kind: 'wrong', reason: 'its token or sign-in is not good any more' }

/**
 * Finds out who sends a CONNECT, and whether the session and the will that it asks for are that user's to have. That may take as long as
 * a slow hash, or a few packets of enhanced authentication; meanwhile nothing else of the connection is handled, and little of it is read.
 */
export class Entry implements AuthenticationOwner {
  readonly #owner: EntryOwner
  readonly #parts: EntryParts
  readonly #connect: ConnectPacket
  readonly #clientId: string
  /** Undefined: it shows a user name and a password, or nothing. */
  #authentication: EnhancedAuthentication | undefined = undefined
  /** What the client is told with the CONNACK, to know that the hub is the right one. */
  lastMessage: Uint8Array | undefined = undefined
  #isEnded = false

  constructor(owner: EntryOwner, parts: EntryParts, connect: ConnectPacket, clientId: string) {
    this.#owner = owner
    this.#parts = parts
    this.#connect = connect
    this.#clientId = clientId
  }

  /** @throws MalformedPacketError when the client is refused in the call */
  begin(): void {
    const { userName, password, properties } = this.#connect
    const { gate } = this.#parts
    if (properties?.authenticationMethod !== undefined) {
      this.#beginEnhanced(properties.authenticationMethod, properties.authenticationData)
      return
    }
    const { door } = this.#owner.connection.transport
    const answer =
      userName === undefined && password === undefined && door.identity !== undefined
        ? (gate.renew({ ...door.identity, clientId: this.#clientId }) ?? NOT_ANY_MORE)
        : gate.authenticate({ userName, password, clientId: this.#clientId }, this.#peer)
    if (answer instanceof Promise) {
      answer.then(
        (late) => this.#later(() => this.#decide(late)),
        (error: unknown) => this.failed(error),
      )
    } else {
      this.#decide(answer)
    }
  }

  /** @throws MalformedPacketError when no AUTH was asked for [MQTT5-4.12.0-7] */
  receive(packet: AuthPacket): void {
    if (this.#authentication === undefined) {
      throw new MalformedPacketError(
        'a client may not send AUTH: its CONNECT named no method',
        ReasonCode.PROTOCOL_ERROR,
      )
    }
    if (packet.reasonCode === ReasonCode.RE_AUTHENTICATE && this.#owner.session === undefined) {
      throw new MalformedPacketError('AUTH begins anew before the client is let in', ReasonCode.PROTOCOL_ERROR)
    }
    this.#authentication.receive(packet)
  }

  /** The connection is gone: whatever is found out is of no use. */
  end(): void {
    this.#isEnded = true
  }

  continueWith(packet: Buffer): void {
    this.#later(() => {
      this.#owner.sendPacket(packet)
      if (this.#owner.session !== undefined) return
      this.#owner.connection.awaitPacket()
      this.#owner.proceed()
    })
  }

  authenticated(identity: Identity, message: Uint8Array): void {
    this.#later(() => {
      const { session } = this.#owner
      if (session === undefined) {
        this.lastMessage = message
        this.#decide(identity)
      } else if (session.identity?.user !== identity.user) {
        this.#owner.connection.close('it has shown to be another user', ReasonCode.NOT_AUTHORIZED)
      } else {
        this.#parts.sessions.renewed(session, identity)
        this.#owner.sendPacket(encodeAuth(ReasonCode.SUCCESS, this.#authentication?.method ?? '', message))
      }
    })
  }

  refusedBy(refusal: AuthRefusal): void {
    this.#later(() => {
      // [MQTT5-4.12.1-2]
      const { reason, reasonCode } = refusalByGate(refusal)
      if (this.#owner.session === undefined) this.#decide(refusal)
      else this.#owner.connection.close(reason, isOfConnack(reasonCode) ? ReasonCode.NOT_AUTHORIZED : reasonCode)
    })
  }

  failed(error: unknown): void {
    this.#later(() => {
      this.#parts.log.error({ err: error }, 'it could not be found out who a client is')
      if (this.#owner.session === undefined) this.#owner.refuse(UNDECIDED)
      else this.#owner.connection.close(UNDECIDED.reason, UNDECIDED.reasonCode)
    })
  }

  get #peer(): Peer {
    const { remoteHost: host, door } = this.#owner.connection.transport
    return { host, listener: door.listener, certificateName: door.certificateName }
  }

  #beginEnhanced(method: string, data: Uint8Array | undefined): void {
    const begin = (): ReturnType<Gate['signInBy']> => this.#parts.gate.signInBy(method, this.#clientId, this.#peer)
    const first = begin()
    if (first === undefined) return this.#owner.refuse(unknownMethod(method))
    this.#authentication = new EnhancedAuthentication(method, begin, this)
    this.#authentication.begin(data)
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

  #decide(answer: Identity | AuthRefusal): void {
    const { gate, sessions } = this.#parts
    const { will } = this.#connect
    if (isRefusal(answer)) this.#owner.refuse(refusalByGate(answer))
    if (!sessions.mayHave(this.#clientId, answer.user)) this.#owner.refuse(foreignSession(this.#clientId))
    const fault = will === undefined ? undefined : willFault(will, gate.viewOf(answer).publish(will.topic))
    if (fault !== undefined) this.#owner.refuse(fault)
    this.#owner.letIn(this.#connect, this.#clientId, answer)
  }
}

/** It has no meaning once a client is connected [MQTT5 §3.14.2.1]. */
function isOfConnack(code: ReasonCode): boolean {
  return code === ReasonCode.BAD_USER_NAME_OR_PASSWORD
}
