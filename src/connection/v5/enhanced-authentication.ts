import type { Identity, Refusal } from '../../auth/identity.ts'
import type { EnhancedSignIn } from '../../auth/gate.ts'
import { type AuthPacket, encodeAuth } from '../../protocol/auth-packet.ts'
import { MalformedPacketError } from '../../protocol/field-reader.ts'
import { ReasonCode } from '../../protocol/reason-codes.ts'

/** Who wants to know how an authentication goes on. */
export interface AuthenticationOwner {
  /** It is the client's turn. */
  continueWith(packet: Buffer): void
  /** `message` is to be sent with what says that the client is let in. */
  authenticated(identity: Identity, message: Uint8Array): void
  refusedBy(refusal: Refusal): void
  failed(error: unknown): void
}

const NO_DATA = new Uint8Array()
const UNKNOWN: Refusal = { kind: 'not-authorized', reason: 'its authentication method is not known any more' }

/** The enhanced authentication of one client, in its CONNECT and again as often as it likes [MQTT5 §4.12]. */
export class EnhancedAuthentication {
  readonly method: string
  readonly #begin: () => EnhancedSignIn | undefined
  readonly #owner: AuthenticationOwner
  #signIn: EnhancedSignIn | undefined = undefined
  /** The hub works on what the client sent. */
  #isBusy = false

  constructor(method: string, begin: () => EnhancedSignIn | undefined, owner: AuthenticationOwner) {
    this.method = method
    this.#begin = begin
    this.#owner = owner
  }

  /** Takes what the client begins with. */
  begin(data: Uint8Array = NO_DATA): void {
    const signIn = this.#begin()
    if (signIn === undefined) {
      this.#owner.refusedBy(UNKNOWN)
      return
    }
    this.#signIn = signIn
    void this.#ask(signIn.first(data), (message) => {
      this.#owner.continueWith(encodeAuth(ReasonCode.CONTINUE_AUTHENTICATION, this.method, message))
    })
  }

  /** @throws MalformedPacketError when it is not the client's turn, or the method is another [MQTT5-4.12.0-5] */
  receive(packet: AuthPacket): void {
    const { reasonCode, method } = packet
    const data: Uint8Array = packet.data ?? NO_DATA
    if (method !== this.method) throw protocolError('AUTH has another method than CONNECT')
    if (this.#isBusy) throw protocolError('AUTH came before the last one was answered')
    if (reasonCode === ReasonCode.RE_AUTHENTICATE) {
      this.begin(data)
      return
    }
    const signIn = this.#signIn
    if (signIn === undefined) throw protocolError('AUTH continues what was not begun')
    this.#signIn = undefined
    void this.#ask(signIn.final(data), ({ identity, message }) => this.#owner.authenticated(identity, message))
  }

  async #ask<T extends object>(answer: Promise<T | Refusal>, proceed: (answer: T) => void): Promise<void> {
    this.#isBusy = true
    let settled: T | Refusal
    try {
      settled = await answer
    } catch (error) {
      this.#owner.failed(error)
      return
    }
    this.#isBusy = false
    if (isRefused(settled)) this.#owner.refusedBy(settled)
    else proceed(settled)
  }
}

function isRefused(answer: object): answer is Refusal {
  return 'kind' in answer
}

function protocolError(fault: string): MalformedPacketError {
  return new MalformedPacketError(fault, ReasonCode.PROTOCOL_ERROR)
}
