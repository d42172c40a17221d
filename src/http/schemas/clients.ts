import { Type } from 'typebox'
import { Amount, ClientId, Count, Cursor, Limit, NextCursor, orNull, PayloadFields, QoS, TimeMs } from './fields.ts'
import { answers, answersNothing, withDefault, route, takes } from './route.ts'

/** The message that is published for a client whose connection ends without DISCONNECT. */
export const Will = Type.Object({ topic: Type.String(), ...PayloadFields, retain: Type.Boolean() })

const Connection = Type.Object({
  address: Type.String(),
  transport: Type.Enum(['tcp', 'websocket']),
  protocol: Type.String({ description: '3.1, 3.1.1 or 5.' }),
  connectedAtMs: TimeMs,
  keepAliveSeconds: Type.Integer({ description: '0: none.' }),
  pendingBytes: Type.Integer({ description: 'Written and not yet taken by the system.' }),
  will: orNull(Will, 'Published when the connection ends without DISCONNECT.'),
})

const CLIENT_SUMMARY = {
  clientId: Type.String(),
  connection: orNull(Connection, 'Null while the client is away.'),
  leftAtMs: orNull(TimeMs),
  isKept: Type.Boolean({ description: 'The session outlives the connection.' }),
  expirySeconds: orNull(Type.Number(), 'How many seconds it outlives it; null means forever.'),
  subscriptionCount: Count,
  queuedMessages: Count,
  queuedBytes: Count,
  inFlightMessages: Count,
  unreleasedMessages: Type.Integer({ description: 'QoS 2 messages from the client that wait for its PUBREL.' }),
  dropped: Type.Record(Type.String(), Count, { description: 'Messages that it did not get, by reason.' }),
  traffic: Type.Object({
    receivedMessages: Count,
    receivedBytes: Count,
    sentMessages: Count,
    sentBytes: Count,
    receivedMessagesPerSecond: Amount,
    sentMessagesPerSecond: Amount,
  }),
  lastError: orNull(Type.Object({ atMs: TimeMs, reason: Type.String() })),
  user: orNull(Type.String(), 'Whose it is; null: nobody in particular.'),
  lastDenial: orNull(
    Type.Object({
      atMs: TimeMs,
      action: Type.Enum(['publish', 'subscribe', 'receive']),
      topic: Type.String({ description: 'A topic, or the filter of a subscription.' }),
      reason: Type.String({ description: 'Names the rule.' }),
    }),
    'What the access rules kept it from last.',
  ),
}

/** A subscription of a client. */
export const Subscription = Type.Object({
  filter: Type.String(),
  qos: QoS,
  isNoLocal: Type.Boolean(),
  isRetainAsPublished: Type.Boolean(),
  identifier: Type.Integer({ description: 'Subscription Identifier; 0: none.' }),
})

/** A client in a list. */
export const ClientSummary = Type.Object(CLIENT_SUMMARY)

const ClientPage = Type.Object({ clients: Type.Array(ClientSummary), nextCursor: NextCursor })

const ClientWhole = Type.Object({ ...CLIENT_SUMMARY, subscriptions: Type.Array(Subscription) })

const ClientPath = Type.Object({ clientId: ClientId })

const ClientQuery = takes({
  q: Type.Optional(Type.String({ maxLength: 1000, description: 'Part of the client identifier or the address.' })),
  state: Type.Optional(Type.Enum(['here', 'away'])),
  limit: Limit,
  cursor: Type.Optional(Cursor),
})

export const listClients = route('GET', '/clients', 'viewer', {
  summary: 'Clients that are connected or have a kept session, sorted by identifier',
  tags: ['clients'],
  querystring: ClientQuery,
  response: answers('A page of clients.', ClientPage),
})

export const listSlowClients = route('GET', '/slow-clients', 'viewer', {
  summary: 'Connected clients that are behind, the furthest behind first',
  tags: ['clients'],
  querystring: takes({ limit: withDefault(Type.Integer({ minimum: 1, maximum: 100 }), 10) }),
  response: answers('The clients.', Type.Object({ clients: Type.Array(ClientSummary) })),
})

export const getClient = route('GET', '/clients/:clientId', 'viewer', {
  summary: 'One client in full',
  tags: ['clients'],
  params: ClientPath,
  response: answers('The client.', ClientWhole),
})

export const disconnectClient = route('POST', '/clients/:clientId/disconnect', 'operator', {
  summary: 'End the connection of a client; its session stays if it is kept',
  tags: ['clients'],
  params: ClientPath,
  response: answersNothing(),
})

export const deleteSession = route('DELETE', '/clients/:clientId/session', 'viewer', {
  summary:
    'End a session with all its waiting messages, and the connection if there is one; a viewer only one of their own',
  tags: ['clients'],
  params: ClientPath,
  response: answersNothing(),
})
