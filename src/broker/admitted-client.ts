import type { PublishPacket, Subscription } from 'aedes'
import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { FilterRequest } from '../protocol/subscribe-packet.ts'
import type { SessionConnection } from '../session/session-connection.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession, SessionRequest } from '../session/sessions.ts'
import type { StoredWill } from '../store/store.ts'

/** What the broker tells the connection of a client. The answers to its packets are the connection's to write. */
export interface ControlPeer {
  readonly connection: SessionConnection
  /** What the client asks of its session. */
  readonly request: SessionRequest
  readonly will: StoredWill | undefined
  /** The session that the client has, once `sessionOpened` was called. */
  readonly session: Session | undefined
  /** The client has its session; `admitted` follows. */
  sessionOpened(opened: OpenedSession): void
  /** The CONNECT is accepted: from here on the client is `client`. */
  admitted(client: AdmittedClient): void
  /** The CONNECT is refused, for a return code of MQTT 3.1.1. */
  refused(returnCode: number): void
  /** The filters of the last SUBSCRIBE are granted. */
  subscribed(): void
  unsubscribed(): void
  /** The client is no more: it has said DISCONNECT, another has its identifier, the broker stops, or `error` was found. */
  controlEnded(error: Error | null): void
}

/** What Aedes' hooks are told of a client, be it Aedes' own or an admitted one. */
export interface HookClient {
  readonly id: string
}

export type AuthorizeSubscribe = (
  client: HookClient,
  subscription: Subscription,
  done: (error: Error | null, subscription?: Subscription | null) => void,
) => void

export type AuthorizePublish = (
  client: HookClient | null,
  packet: PublishPacket,
  done: (error?: Error | null) => void,
) => void

/** What a client asks of its broker. */
export interface AdmittingBroker {
  readonly authorizeSubscribe: AuthorizeSubscribe
  readonly authorizePublish: AuthorizePublish
  publish(packet: PublishPacket, client: AdmittedClient, done: () => void): void
  /** The will is published, or will never be. */
  forgetWill(clientId: string): void
  unregisterClient(client: AdmittedClient): void
  emit(event: string, ...values: readonly unknown[]): boolean
}

/**
 * A client in Aedes' list, from its CONNACK on. It does there what Aedes' own does, by the same hooks and with the same
 * events, but has no parser, no stream and no list of subscriptions: an idle one is five fields.
 */
export class AdmittedClient implements HookClient {
  readonly id: string
  readonly peer: ControlPeer
  readonly #broker: AdmittingBroker
  #isClosed = false
  #isDisconnecting = false

  constructor(id: string, peer: ControlPeer, broker: AdmittingBroker) {
    this.id = id
    this.peer = peer
    this.#broker = broker
  }

  /** Asks for each filter; when all are granted the peer is told, and the first that is not valid ends the client. */
  subscribe(requests: readonly FilterRequest[]): void {
    const subscriptions: Subscription[] = []
    let unanswered = requests.length
    const answered = (error: Error | null): void => {
      unanswered--
      if (this.#isClosed) return
      if (error !== null) {
        this.#end(error)
      } else if (unanswered === 0) {
        this.peer.subscribed()
        this.#broker.emit('subscribe', subscriptions, this)
      }
    }
    TURN.repeat(LoopPart.CONTROL, () => {
      const request = requests[subscriptions.length]
      if (request === undefined || this.#isClosed) return false
      const subscription = { topic: request.filter, qos: request.options.qos }
      subscriptions.push(subscription)
      this.#broker.authorizeSubscribe(this, subscription, answered)
      return subscriptions.length < requests.length
    })
  }

  unsubscribe(filters: readonly string[]): void {
    this.peer.unsubscribed()
    this.#broker.emit('unsubscribe', filters, this)
  }

  /** The client said DISCONNECT: its will is forgotten [MQTT-3.14.4-3]. */
  disconnect(): void {
    this.#isDisconnecting = true
    this.close()
  }

  /** The connection is gone without a DISCONNECT. Whatever ended it is finished before a will is published. */
  destroy(): void {
    if (!this.#isClosed) process.nextTick(closeLater, this)
  }

  /** Aedes calls this when another client has the identifier, and when it stops. */
  close(done?: () => void): void {
    if (!this.#isClosed) this.#end(null)
    done?.()
  }

  #end(error: Error | null): void {
    const { id, peer } = this
    const broker = this.#broker
    this.#isClosed = true
    peer.controlEnded(error)
    const { will } = peer
    if (will !== undefined) {
      const forget = (): void => broker.forgetWill(id)
      if (this.#isDisconnecting) forget()
      else publishWill(broker, this, will, forget)
    }
    broker.unregisterClient(this)
  }
}

function publishWill(broker: AdmittingBroker, client: AdmittedClient, will: StoredWill, done: () => void): void {
  const { topic, payload, qos, retain } = will.message
  const packet: PublishPacket = { cmd: 'publish', topic, payload, qos, retain, dup: false }
  broker.authorizePublish(client, packet, (error) => {
    if (error === undefined || error === null) broker.publish(packet, client, done)
    else done()
  })
}

function closeLater(client: AdmittedClient): void {
  client.close()
}
