import { OBSERVE_OPTIONS } from './observe-options.ts'
import { HTTP_OPTIONS } from './http-options.ts'
import { HISTORY_OPTIONS } from './history-options.ts'
import { GIB, KIB, MIB } from '../base/bytes.ts'
import type { Option } from './option.ts'

/** No single thing of the hub is counted beyond this. */
const MAX_COUNT = 1_000_000_000
/** The largest packet that MQTT can express [MQTT-2.2.3]. */
const MAX_PACKET_BYTES = 268_435_455
const MAX_MEMORY_BYTES = 1024 * GIB
/** The longest expiry that MQTT can express [MQTT5 3.1.2.11.2]. */
const MAX_SECONDS = 4_294_967_295

/** Every option of the hub, in the order in which people read about them. Nothing else says what can be configured. */
export const OPTIONS = [
  {
    key: 'host',
    kind: 'host',
    default: '127.0.0.1',
    summary:
      'Address that the hub listens on. 127.0.0.1 can be reached from this machine only; 0.0.0.0 (IPv4) and :: (also IPv6) from everywhere.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'port',
    kind: 'number',
    unit: 'port',
    min: 0,
    max: 65_535,
    default: 1883,
    summary: 'TCP port for MQTT. Change it when another program uses the port; 0 takes any free port.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'httpPort',
    kind: 'number',
    unit: 'port',
    min: 0,
    max: 65_535,
    default: 8080,
    summary: 'TCP port for HTTP and for MQTT over WebSocket at /mqtt; 0 takes any free port.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'data',
    kind: 'folder',
    noFolder: 'memory',
    default: './data',
    summary:
      'Folder for everything that must outlive the hub: sessions, queued messages, retained messages, the history. "memory" keeps it in memory only, until the hub stops.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'durability',
    kind: 'choice',
    allowed: ['memory', 'disk', 'fsync'],
    default: 'disk',
    summary:
      'What an acknowledgement promises. "memory": the message is kept while the hub runs; "disk": also when the hub is killed; "fsync": also when the power fails, which is slower.',
    needsRestart: true,
  },
  {
    key: 'logLevel',
    kind: 'choice',
    allowed: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    summary: 'How much the hub logs. "warn" leaves out clients that connect and leave; "debug" helps to find a fault.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'allowAnonymous',
    kind: 'boolean',
    default: false,
    summary:
      'Lets anyone who can reach the hub use it. There are no users yet, so without this the hub listens only on addresses that only this machine can reach.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'websocket.origins',
    kind: 'origins',
    default: [],
    summary:
      'Origins of web pages that may use the hub from a browser, over WebSocket and HTTP, such as https://app.example.org. The public origin of a reverse proxy belongs here too. Pages from the hub\'s own address are always allowed; "*" allows all.',
    needsRestart: true,
  },
  {
    key: 'websocket.pingSeconds',
    kind: 'number',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 30,
    nullMeans: null,
    summary:
      'How often a WebSocket client is pinged, so that proxies keep the connection and dead connections are found. Lower it when a proxy closes idle connections sooner. null turns pings off.',
    needsRestart: true,
  },
  {
    key: 'sharedSubscriptions.strategy',
    kind: 'choice',
    allowed: ['round-robin', 'sticky', 'least-loaded'],
    default: 'round-robin',
    summary:
      'Which member of a shared subscription ($share/…) gets a message: each in turn, the same one while it is connected, or the one with the least to do.',
    needsRestart: true,
  },
  ...HTTP_OPTIONS,
  ...OBSERVE_OPTIONS,
  {
    key: 'limits.maxPacketBytes',
    kind: 'number',
    unit: 'bytes',
    min: 128,
    max: MAX_PACKET_BYTES,
    default: MIB,
    summary:
      'Largest packet that a client may send. Raise it when devices send images or firmware; memory use grows with it.',
    needsRestart: true,
  },
  {
    key: 'limits.maxConnectPacketBytes',
    kind: 'number',
    unit: 'bytes',
    min: 128,
    max: MAX_PACKET_BYTES,
    default: 64 * KIB,
    summary: 'Largest first packet (CONNECT), which anyone can send. Raise it only for very long wills or passwords.',
    needsRestart: true,
  },
  {
    key: 'limits.connectTimeoutSeconds',
    kind: 'number',
    unit: 'seconds',
    min: 0.05,
    max: 3600,
    default: 10,
    summary: 'How long a new connection may take to send its CONNECT. Raise it for very slow links.',
    needsRestart: true,
  },
  {
    key: 'limits.maxConnections',
    kind: 'number',
    unit: 'connections',
    min: 1,
    max: MAX_COUNT,
    default: 100_000,
    nullMeans: Infinity,
    summary:
      'How many clients may be connected at once. Stay below what memory and "ulimit -n" (open files) allow. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxConnectionsPerAddress',
    kind: 'number',
    unit: 'connections',
    min: 1,
    max: MAX_COUNT,
    default: null,
    nullMeans: Infinity,
    summary:
      'How many clients may be connected from one IP address. Set it where strangers can reach the hub. Many devices behind one router share an address. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicBytes',
    kind: 'number',
    unit: 'bytes',
    min: 1,
    max: 65_535,
    default: 1024,
    summary: 'Longest topic name or topic filter.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicLevels',
    kind: 'number',
    unit: 'levels',
    min: 1,
    max: 100, // what Aedes takes in a SUBSCRIBE
    default: 32,
    summary: 'Most levels in a topic name or topic filter; a/b/c has three.',
    needsRestart: true,
  },
  {
    key: 'limits.maxSubscriptionsPerClient',
    kind: 'number',
    unit: 'subscriptions',
    min: 1,
    max: MAX_COUNT,
    default: 1000,
    nullMeans: Infinity,
    summary:
      'Most subscriptions of one client. Raise it for gateways that subscribe for many devices. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxInflightMessages',
    kind: 'number',
    unit: 'messages',
    min: 1,
    max: 65_535,
    default: 100,
    summary:
      'Messages of QoS 1 and 2 that may be in flight to one client, which has not acknowledged them yet. Raise it for fast clients on slow links; 1 gives the strictest order.',
    needsRestart: true,
  },
  {
    key: 'limits.maxQueuedMessages',
    kind: 'number',
    unit: 'messages',
    min: 1,
    max: MAX_COUNT,
    default: 10_000,
    nullMeans: Infinity,
    summary:
      'Messages of QoS 1 and 2 that may wait for one client that is away or slow. limits.queuePolicy says what happens to more. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxQueuedBytes',
    kind: 'number',
    unit: 'bytes',
    min: KIB,
    max: MAX_MEMORY_BYTES,
    default: 16 * MIB,
    nullMeans: Infinity,
    summary: 'The same limit in bytes; whichever is reached first counts. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.queuePolicy',
    kind: 'choice',
    allowed: ['drop-oldest', 'drop-newest', 'disconnect'],
    default: 'drop-oldest',
    summary:
      'What happens when a queue is full: the oldest or the newest message is dropped. "disconnect" drops the newest and also disconnects a client that is too slow. Every drop is counted.',
    needsRestart: true,
  },
  {
    key: 'limits.maxMessageExpirySeconds',
    kind: 'number',
    unit: 'seconds',
    min: 1,
    max: MAX_SECONDS,
    default: null,
    nullMeans: Infinity,
    summary:
      'How long a message of QoS 1 or 2 may wait for a client before it is dropped and counted. null means forever.',
    needsRestart: true,
  },
  {
    key: 'limits.maxSessionExpirySeconds',
    kind: 'number',
    unit: 'seconds',
    min: 1,
    max: MAX_SECONDS,
    default: null,
    nullMeans: Infinity,
    summary:
      'How long the session of a client that is away is kept. Set it when clients keep coming with new client identifiers. null means forever.',
    needsRestart: true,
  },
  {
    key: 'limits.maxOutputBytes',
    kind: 'number',
    unit: 'bytes',
    min: KIB,
    max: GIB,
    default: MIB,
    summary:
      'Bytes that may wait for one slow connection. limits.outputPolicy says what happens to QoS 0 beyond that. Raise it for bursts; every slow client may take this much memory.',
    needsRestart: true,
  },
  {
    key: 'limits.outputPolicy',
    kind: 'choice',
    allowed: ['drop', 'latest'],
    default: 'drop',
    summary:
      'What happens to QoS 0 for a client that is too slow. "drop" drops it; "latest" keeps the newest message of each topic until the client has caught up.',
    needsRestart: true,
  },
  {
    key: 'limits.maxPublishRate',
    kind: 'number',
    unit: 'messages/s',
    min: 0.1,
    max: MAX_COUNT,
    default: null,
    nullMeans: Infinity,
    summary:
      'Messages per second that one client may publish. The hub reads from a faster client more slowly. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.receiveMaximum',
    kind: 'number',
    unit: 'messages',
    min: 1,
    max: 65_535,
    default: 100,
    summary:
      'QoS 2 messages that an MQTT 5 client may have in flight to the hub (Receive Maximum). A client that has more is disconnected. Raise it for gateways.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicAliases',
    kind: 'number',
    unit: 'aliases',
    min: 0,
    max: 65_535,
    default: 100,
    summary:
      'Topic Aliases of one MQTT 5 client in each direction. Each takes the memory of its topic; 0 turns them off.',
    needsRestart: true,
  },
  {
    key: 'limits.maxKeepAliveSeconds',
    kind: 'number',
    unit: 'seconds',
    min: 1,
    max: 65_535,
    default: null,
    nullMeans: Infinity,
    summary:
      'Longest keep-alive of an MQTT 5 client; the hub tells the client (Server Keep Alive). Set it to notice sooner that a client is gone. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxRetainedMessages',
    kind: 'number',
    unit: 'messages',
    min: 0,
    max: MAX_COUNT,
    default: 1_000_000,
    nullMeans: Infinity,
    summary: 'How many topics may have a retained message. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxRetainedBytes',
    kind: 'number',
    unit: 'bytes',
    min: 0,
    max: MAX_MEMORY_BYTES,
    default: GIB,
    nullMeans: Infinity,
    summary: 'The same limit in bytes. Lower it on a machine with little memory. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopics',
    kind: 'number',
    unit: 'topics',
    min: 1,
    max: 10_000_000,
    default: 250_000,
    summary:
      'Topics that are counted and listed with their last value. Beyond that, those that were silent longest are forgotten.',
    needsRestart: true,
  },
  ...HISTORY_OPTIONS,
] as const satisfies readonly Option[]

const OPTION_BY_KEY: ReadonlyMap<string, Option> = new Map(
  OPTIONS.map((option): [string, Option] => [option.key, option]),
)

/** Finds an option by its dotted key. */
export function findOption(key: string): Option | undefined {
  return OPTION_BY_KEY.get(key)
}

/** The names before the dots: `limits`, `websocket`. */
export const SECTIONS: ReadonlySet<string> = new Set(
  OPTIONS.filter((option) => option.key.includes('.')).map((option) => option.key.slice(0, option.key.indexOf('.'))),
)
