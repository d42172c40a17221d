import { randomUUID } from 'node:crypto'
import { Aedes, type Client, type PublishPacket } from 'aedes'
import { subscriptionFault } from '../protocol/shared-filter.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { Sessions } from '../session/sessions.ts'
import { type ControlPeer, ControlStream } from './control-stream.ts'
import type { Store } from '../store/store.ts'
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

type Done = (error?: Error) => void

/**
 * The control plane: Aedes, through what it makes public (design, section 2). It decides who is connected, which
 * subscriptions are granted and when a will is due; messages go through the router.
 */
export class Broker extends Aedes {
  readonly #parts: BrokerParts

  constructor(parts: BrokerParts) {
    super({
      persistence: new BrokerPersistence(parts.store, parts.sessions.wills),
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
      const { peer, destroyed } = streamOf(client)
      // The connection may have ended since its CONNECT went in: nobody would ever end a session opened now.
      if (destroyed) return done(null, false)
      // 3.1.1 lets Aedes make up the identifier of a client that has none.
      peer.sessionOpened(parts.sessions.open({ ...peer.request, clientId: client.id }, peer.connection))
      done(null, true)
    }
    this.authorizeSubscribe = (_client, subscription, done) => {
      const fault = subscriptionFault(subscription.topic, parts.topicLimits)
      if (fault === undefined) done(null, subscription)
      else done(new Error(`topic filter ${JSON.stringify(subscription.topic)} is not valid: ${fault}`))
    }
    // A will keeps the rules of any PUBLISH; its topic was checked when the client connected.
    this.authorizePublish = (_client, _will, done) => done(null)
  }

  /** Begins a client for a connection that has a CONNECT to pass. */
  open(peer: ControlPeer): ControlStream {
    const stream = new ControlStream(peer)
    this.handle(stream)
    return stream
  }

  /** Publishes wills. Aedes' own notes on `$SYS/<its id>` have no reader here. */
  override publish(_packet: PublishPacket, clientOrDone?: Client | null | Done, done?: Done): void {
    const whenDone = typeof clientOrDone === 'function' ? clientOrDone : done
    const client = typeof clientOrDone === 'function' ? undefined : clientOrDone
    if (client !== undefined && client !== null) {
      const { will, session } = streamOf(client).peer
      if (will !== undefined) this.#parts.sessions.willDue(session, { ...will, clientId: client.id })
    }
    whenDone?.()
  }

  // The router holds the subscriptions: the connection enters them when Aedes has granted them.
  override subscribe(_topic: string, _deliver: unknown, done?: Done): void {
    done?.()
  }

  override unsubscribe(_topic: string, _deliver: unknown, done?: Done): void {
    done?.()
  }

  /** Ends every client that is left and Aedes' own timers. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.close(() => resolve())
    })
  }
}

/** The hub's end of an Aedes client. */
function streamOf(client: Client): ControlStream {
  const stream = client.conn
  if (!(stream instanceof ControlStream)) throw new TypeError('a client of the broker came in without a ControlStream')
  return stream
}
