import { GIB, KIB, MIB } from '../../base/bytes.ts'
import type { Option } from '../option.ts'
import { bytes, choice, number, orAutomatic, orUnlimited, whole } from '../schema.ts'

/** No single thing of the hub is counted beyond this. */
const MAX_COUNT = 1_000_000_000
/** The largest packet that MQTT can express [MQTT-2.2.3]. */
const MAX_PACKET_BYTES = 268_435_455
const MAX_MEMORY_BYTES = 1024 * GIB
/** The longest expiry that MQTT can express [MQTT5 3.1.2.11.2]. */
const MAX_SECONDS = 4_294_967_295

/** What clients may use of the hub. */
export const LIMITS_OPTIONS = [
  {
    key: 'limits.memory',
    schema: orAutomatic(bytes(16 * MIB, MAX_MEMORY_BYTES)),
    default: null,
    summary:
      "Memory for all that the hub holds for its clients together: topics, retained messages, queues, sessions, what the history knows, packets that have not come whole, outputs. Each of these is sure of a part; what there is no memory for is refused or forgotten, and counted. null means half of the machine's or container's memory. What lies on the JavaScript heap is bounded by its size besides (--max-old-space-size).",
    needsRestart: true,
  },
  {
    key: 'limits.maxPacketBytes',
    schema: bytes(128, MAX_PACKET_BYTES),
    default: 16 * MIB,
    summary:
      'Largest packet that a client may send. Raise it for larger images or firmware. What packets take that have not come whole is bounded for all clients together by limits.memory.',
    needsRestart: true,
  },
  {
    key: 'limits.maxConnectPacketBytes',
    schema: bytes(128, MAX_PACKET_BYTES),
    default: 64 * KIB,
    summary: 'Largest first packet (CONNECT), which anyone can send. Raise it only for very long wills or passwords.',
    needsRestart: true,
  },
  {
    key: 'limits.connectTimeoutSeconds',
    schema: number(0.05, 3600),
    default: 10,
    summary: 'How long a new connection may take to send its CONNECT. Raise it for very slow links.',
    needsRestart: false,
  },
  {
    key: 'limits.maxConnections',
    schema: orUnlimited(whole(1, MAX_COUNT)),
    default: 100_000,
    summary:
      'How many clients may be connected at once. There are never more than "ulimit -n" (open files) allows, less some that are held back for HTTP. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.maxConnectionsPerAddress',
    schema: orUnlimited(whole(1, MAX_COUNT)),
    default: null,
    summary:
      'How many clients may be connected from one IP address. Set it where strangers can reach the hub. Many devices behind one router share an address. null means unlimited.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicBytes',
    schema: bytes(1, 65_535),
    default: 65_535,
    summary:
      'Longest topic name or topic filter. Lower it where strangers can reach the hub: names are kept in memory.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicLevels',
    schema: whole(1, 1000),
    default: 200,
    summary: 'Most levels in a topic name or topic filter; a/b/c has three.',
    needsRestart: true,
  },
  {
    key: 'limits.maxSubscriptionsPerClient',
    schema: orUnlimited(whole(1, MAX_COUNT)),
    default: null,
    summary:
      'Most subscriptions of one client. null means that only limits.memory bounds them, for all clients together.',
    needsRestart: false,
  },
  {
    key: 'limits.maxInflightMessages',
    schema: whole(1, 65_535),
    default: 100,
    summary:
      'Messages of QoS 1 and 2 that may be in flight to one client, which has not acknowledged them yet. Raise it for fast clients on slow links; 1 gives the strictest order.',
    needsRestart: false,
  },
  {
    key: 'limits.maxQueuedMessages',
    schema: orUnlimited(whole(1, MAX_COUNT)),
    default: 10_000,
    summary:
      'Messages of QoS 1 and 2 that may wait for one client that is away or slow. limits.queuePolicy says what happens to more. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.maxQueuedBytes',
    schema: orUnlimited(bytes(KIB, MAX_MEMORY_BYTES)),
    default: 16 * MIB,
    summary: 'The same limit in bytes; whichever is reached first counts. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.queuePolicy',
    schema: choice('drop-oldest', 'drop-newest', 'disconnect'),
    default: 'drop-oldest',
    summary:
      'What happens when a queue is full: the oldest or the newest message is dropped. "disconnect" drops the newest and also disconnects a client that is too slow. Every drop is counted.',
    needsRestart: false,
  },
  {
    key: 'limits.maxMessageExpirySeconds',
    schema: orUnlimited(number(1, MAX_SECONDS)),
    default: null,
    summary:
      'How long a message of QoS 1 or 2 may wait for a client before it is dropped and counted. null means forever.',
    needsRestart: true,
  },
  {
    key: 'limits.maxSessionExpirySeconds',
    schema: orUnlimited(number(1, MAX_SECONDS)),
    default: null,
    summary:
      'How long the session of a client that is away is kept. Set it when clients keep coming with new client identifiers. null means forever.',
    needsRestart: false,
  },
  {
    key: 'limits.maxOutputBytes',
    schema: bytes(KIB, GIB),
    default: MIB,
    summary:
      'Bytes that may wait for one slow connection. limits.outputPolicy says what happens to QoS 0 beyond that. Raise it for bursts; every slow client may take this much memory.',
    needsRestart: false,
  },
  {
    key: 'limits.outputPolicy',
    schema: choice('drop', 'latest'),
    default: 'drop',
    summary:
      'What happens to QoS 0 for a client that is too slow. "drop" drops it; "latest" keeps the newest message of each topic until the client has caught up.',
    needsRestart: false,
  },
  {
    key: 'limits.maxPublishRate',
    schema: orUnlimited(number(0.1, MAX_COUNT)),
    default: null,
    summary:
      'Messages per second that one client may publish. The hub reads from a faster client more slowly. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.receiveMaximum',
    schema: whole(1, 65_535),
    default: 100,
    summary:
      'QoS 2 messages that an MQTT 5 client may have in flight to the hub (Receive Maximum). A client that has more is disconnected. Raise it for gateways.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicAliases',
    schema: whole(0, 65_535),
    default: 100,
    summary:
      'Topic Aliases that an MQTT 5 client may use for what it publishes. Each takes the memory of its topic; 0 turns them off.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicAliasesSent',
    schema: whole(0, 65_535),
    default: 0,
    summary:
      'Topic Aliases in what an MQTT 5 client gets, if it asks for them. With one, a message is shorter by its topic, less 3 bytes, from the second on. mqtt.js 4, which many Node-RED installations have, ends its program at the first one when its properties ask for them.',
    needsRestart: true,
  },
  {
    key: 'limits.maxKeepAliveSeconds',
    schema: orUnlimited(number(1, 65_535)),
    default: null,
    summary:
      'Longest keep-alive of an MQTT 5 client; the hub tells the client (Server Keep Alive). Set it to notice sooner that a client is gone. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.maxRetainedMessages',
    schema: orUnlimited(whole(0, MAX_COUNT)),
    default: 1_000_000,
    summary: 'How many topics may have a retained message. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.maxRetainedBytes',
    schema: orUnlimited(bytes(0, MAX_MEMORY_BYTES)),
    default: GIB,
    summary: 'The same limit in bytes. Lower it on a machine with little memory. null means unlimited.',
    needsRestart: false,
  },
  {
    key: 'limits.maxTopics',
    schema: whole(1, 10_000_000),
    default: 250_000,
    summary:
      'Topics that are counted and listed with their last value. Beyond that, those that were silent longest are forgotten.',
    needsRestart: true,
  },
  {
    key: 'limits.maxTopicMemoryBytes',
    schema: bytes(MIB, GIB),
    default: 128 * MIB,
    summary:
      'Memory for the names and last values of these topics, taken as it is used; whichever limit is reached first counts. 128 MiB hold some 240,000 topics with names of 40 bytes and values of 500. The counts of each topic take 0.1 KB more.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
