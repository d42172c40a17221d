import { randomUUID } from 'node:crypto'
import { Aedes, type AuthenticateError, type Client, type PublishPacket } from 'aedes'
import { quote } from '../base/quote.ts'
import { ConnectReturnCode } from '../protocol/reason-codes.ts'
import { subscriptionFault } from '../protocol/shared-filter.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Store } from '../store/store.ts'
import { type Admission, type AedesClient, type AedesConnection, Desk } from './admission.ts'
import { AdmittedClient, type AuthorizePublish, type AuthorizeSubscribe, type ControlPeer } from './admitted-client.ts'
import { BrokerPersistence } from './persistence.ts'

/** What the broker is built from. */
export interface BrokerParts {
  readonly sessions: Sessions
  readonly store: Store
  readonly topicLimits: TopicLimits
}

// Aedes has a heartbeat for clusters of its own, which the hub does not use; a timer has to have some interval.
const HEARTBEAT_MS = 24 * 3_600_000
// Longer identifiers than the 23 bytes of MQTT 3.1 are common and harmless [MQTT-3.1.3-5].
const MAX_CLIENT_ID_BYTES = 65_535
const MAX_TIMER_MS = 2 ** 31 - 1
/** As many wait for the next CONNECT; a storm has more. */
const MAX_FREE_DESKS = 64

type Done = (error?: Error) => void

/**
 * The control plane: Aedes, through what it makes public (design, section 2). Its own client handles each CONNECT up to the
 * answer; then an `AdmittedClient` takes its place in Aedes' list, and the hooks decide which subscriptions are granted and
 * when a will is due. Messages go through the router. What is used of Aedes but not in its documentation is declared here and
 * held by test/broker/aedes-contract.test.ts.
 */
export class Broker extends Aedes {
  readonly #parts: BrokerParts
  readonly #freeDesks: Desk[] = []

  /** Aedes asks no more of a connection. */
  declare readonly handle: (connection: AedesConnection) => AedesClient
  declare readonly authorizeSubscribe: AuthorizeSubscribe
  declare readonly authorizePublish: AuthorizePublish
  /** Closes an older client of the same identifier, then enters this one. */
  declare readonly registerClient: (client: AdmittedClient) => void
  /** Takes a client out of the list. */
  declare readonly unregisterClient: (client: AdmittedClient) => void

  constructor(parts: BrokerParts) {
    super({
      persistence: new BrokerPersistence(),
      heartbeatInterval: HEARTBEAT_MS,
      maxClientsIdLength: MAX_CLIENT_ID_BYTES,
      // The time to CONNECT is the connection's to keep: Aedes is asked only when a CONNECT has come.
      connectTimeout: MAX_TIMER_MS,
      drainTimeout: 0,
    })
    this.#parts = parts
    this.preConnect = (_client, packet, done) => {
      // Aedes sees no PUBLISH and would take a busy publisher for a silent one: the connection keeps the time.
      packet.keepalive = 0
      if (packet.clientId === '') packet.clientId = `hubbub-${randomUUID()}` // [MQTT-3.1.3-6]
      done(null, true)
    }
    this.authenticate = (client, _userName, _password, done) => {
      const { peer, destroyed } = admissionOf(client)
      // The connection may have ended since its CONNECT went in: nobody would ever end a session opened now.
      if (destroyed) return done(null, false)
      // 3.1.1 lets Aedes make up the identifier of a client that has none.
      const opened = parts.sessions.open({ ...peer.request, clientId: client.id }, peer.connection)
      if (opened === undefined) return done(noMemory(), false)
      peer.sessionOpened(opened)
      done(null, true)
    }
    this.authorizeSubscribe = (_client, subscription, done) => {
      const fault = subscriptionFault(subscription.topic, parts.topicLimits)
      if (fault === undefined) done(null, subscription)
      else done(new Error(`topic filter ${quote(subscription.topic)} is not valid: ${fault}`))
    }
    // A will keeps the rules of any PUBLISH; its topic was checked when the client connected. A client whose will were to wait
    // for an answer here would take it away from another that has taken over meanwhile.
    this.authorizePublish = (_client, _will, done) => done(null)
    // Only a refused CONNECT gets so far.
    this.on('connackSent', ({ returnCode }, client) => {
      const { peer, destroyed } = admissionOf(client)
      if (!destroyed) peer.refused(returnCode ?? 0)
    })
  }

  /** Has a connection's CONNECT handled, a packet of MQTT 3.1 or 3.1.1. Keeps the buffer. */
  open(peer: ControlPeer, connect: Buffer): Admission {
    const desk = this.#freeDesks.pop() ?? new Desk(this)
    return desk.take(peer, connect)
  }

  /** Puts a client in Aedes' list whose CONNECT Aedes has found good, in the place of the one that has handled it. */
  admit({ peer }: Admission, clientId: string): void {
    const client = new AdmittedClient(clientId, peer, this)
    // An older client ends here, with its will: after that the new will is the one that is stored.
    this.registerClient(client)
    if (peer.will !== undefined) this.#parts.store.putWill({ ...peer.will, clientId })
    peer.admitted(client)
    this.emit('clientReady', client)
  }

  /** Aedes' client there is as good as new. */
  isFree(desk: Desk): void {
    if (this.#freeDesks.length < MAX_FREE_DESKS) this.#freeDesks.push(desk)
  }

  /** Publishes wills. Aedes' own notes on `$SYS/<its id>` have no reader here. */
  override publish(_packet: PublishPacket, clientOrDone?: AdmittedClient | Done | null, done?: Done): void {
    if (clientOrDone instanceof AdmittedClient) {
      const { id, peer } = clientOrDone
      if (peer.will !== undefined) this.#parts.sessions.willDue(peer.session, { ...peer.will, clientId: id })
      done?.()
    } else {
      const whenDone = clientOrDone ?? done
      whenDone?.()
    }
  }

  /** Removes a will that is published or never will be; one that waits for its delay stays in the store. */
  forgetWill(clientId: string): void {
    const { sessions, store } = this.#parts
    if (!sessions.wills.has(clientId)) store.removeWill(clientId)
  }

  /** Ends every client that is left and Aedes' own timers. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.close(() => resolve())
    })
  }
}

/** Has Aedes answer that the server is unavailable. */
function noMemory(): AuthenticateError {
  return Object.assign(new Error('there is no memory for one more session'), {
    returnCode: ConnectReturnCode.SERVER_UNAVAILABLE,
  })
}

/** The hub's end of an Aedes client. */
function admissionOf(client: Client): Admission {
  const { conn }: { readonly conn: unknown } = client
  if (conn instanceof Desk && conn.admission !== undefined) return conn.admission
  throw new TypeError('Aedes asks about a client that is not being admitted')
}
