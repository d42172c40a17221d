import { Type } from 'typebox'
import { payloadJson } from '../../protocol/message-json.ts'
import type { ClientReport, WillReport } from '../../session/client-report.ts'
import { cursorBehind, readCursor } from '../cursor.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import { Amount, answers, ClientId, Count, Cursor, Limit, NextCursor, PayloadFields, QoS, TimeMs } from '../schemas.ts'

const LIST = 'clients'

const Will = Type.Object({ topic: Type.String(), ...PayloadFields, retain: Type.Boolean() })

const Connection = Type.Object({
  address: Type.String(),
  transport: Type.Enum(['tcp', 'websocket']),
  protocol: Type.String({ description: '3.1, 3.1.1 or 5.' }),
  connectedAtMs: TimeMs,
  keepAliveSeconds: Type.Integer({ description: '0: none.' }),
  pendingBytes: Type.Integer({ description: 'Written and not yet taken by the system.' }),
  will: Type.Union([Will, Type.Null()], { description: 'What is published when it goes without saying so.' }),
})

const ClientSummary = {
  clientId: Type.String(),
  connection: Type.Union([Connection, Type.Null()], { description: 'Null while the client is away.' }),
  leftAtMs: Type.Union([TimeMs, Type.Null()]),
  isKept: Type.Boolean({ description: 'The session outlives the connection.' }),
  expirySeconds: Type.Union([Type.Number(), Type.Null()], { description: 'How long it does; null is for ever.' }),
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
  lastError: Type.Union([Type.Object({ atMs: TimeMs, reason: Type.String() }), Type.Null()]),
}

const Subscription = Type.Object({
  filter: Type.String(),
  qos: QoS,
  isNoLocal: Type.Boolean(),
  isRetainAsPublished: Type.Boolean(),
  identifier: Type.Integer({ description: 'Subscription Identifier; 0: none.' }),
})

const ClientPage = Type.Object({ clients: Type.Array(Type.Object(ClientSummary)), nextCursor: NextCursor })
const ClientWhole = Type.Object({ ...ClientSummary, subscriptions: Type.Array(Subscription) })
const ClientPath = Type.Object({ clientId: ClientId })
const Nothing = { 204: { description: 'It is done.', type: 'null' } }

const ClientQuery = Type.Object(
  {
    q: Type.Optional(Type.String({ maxLength: 1000, description: 'Part of the client identifier or the address.' })),
    state: Type.Optional(Type.Enum(['here', 'away'])),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  },
  { additionalProperties: false },
)

const PROTOCOLS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5' }

/** `clients`: who is connected or has a kept session. */
export function clientRoutes(app: Api, { admin: { clients } }: ApiParts): void {
  app.get(
    '/clients',
    {
      schema: {
        summary: 'Clients that are here or have a kept session, sorted by identifier',
        tags: ['clients'],
        querystring: ClientQuery,
        response: answers('A page of clients.', ClientPage),
      },
    },
    async ({ query: { q, state, limit, cursor } }) => {
      const found = await clients.page({ text: q, state }, readCursor(LIST, cursor), limit + 1)
      const last = found[limit - 1]
      const nextCursor = found.length > limit && last !== undefined ? cursorBehind(LIST, last.clientId) : null
      return { clients: found.slice(0, limit).map(summaryOf), nextCursor }
    },
  )

  app.get(
    '/slow-clients',
    {
      schema: {
        summary: 'Connected clients that have not taken yet what is for them, those with most first',
        tags: ['clients'],
        querystring: Type.Object(
          { limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }) },
          { additionalProperties: false },
        ),
        response: answers('The clients.', Type.Object({ clients: Type.Array(Type.Object(ClientSummary)) })),
      },
    },
    async ({ query: { limit } }) => ({ clients: (await clients.slowest(limit)).map(summaryOf) }),
  )

  app.get(
    '/clients/:clientId',
    {
      schema: {
        summary: 'One client in full',
        tags: ['clients'],
        params: ClientPath,
        response: answers('The client.', ClientWhole),
      },
    },
    ({ params: { clientId } }) => {
      const client = clients.get(clientId)
      if (client === undefined) throw unknownClient(clientId)
      return Promise.resolve({ ...summaryOf(client), subscriptions: [...client.subscriptions] })
    },
  )

  app.post(
    '/clients/:clientId/disconnect',
    {
      schema: {
        summary: 'End the connection of a client; its session stays if it is kept',
        tags: ['clients'],
        params: ClientPath,
        response: { ...Nothing },
      },
    },
    ({ params: { clientId } }, reply) => {
      if (clients.get(clientId) === undefined) throw unknownClient(clientId)
      if (!clients.disconnect(clientId)) {
        throw new HttpProblem('conflict', `The client ${JSON.stringify(clientId)} is not connected.`)
      }
      return reply.code(204).send()
    },
  )

  app.delete(
    '/clients/:clientId/session',
    {
      schema: {
        summary: 'End a session, with what waits for its client, and the connection if there is one',
        tags: ['clients'],
        params: ClientPath,
        response: { ...Nothing },
      },
    },
    ({ params: { clientId } }, reply) => {
      if (!clients.deleteSession(clientId)) throw unknownClient(clientId)
      return reply.code(204).send()
    },
  )
}

function unknownClient(clientId: string): HttpProblem {
  return new HttpProblem('not-found', `No client ${JSON.stringify(clientId)} is connected or has a kept session.`)
}

function summaryOf(client: ClientReport) {
  const { connection, subscriptions, expirySeconds, leftAtMs, lastError, dropped, ...rest } = client
  return {
    ...rest,
    connection:
      connection === undefined
        ? null
        : {
            ...connection,
            will: willJson(connection.will),
            connectedAtMs: Math.round(connection.connectedAtMs),
            protocol: PROTOCOLS[connection.protocolLevel] ?? String(connection.protocolLevel),
          },
    leftAtMs: leftAtMs === undefined ? null : Math.round(leftAtMs),
    expirySeconds: expirySeconds === Infinity ? null : expirySeconds,
    subscriptionCount: subscriptions.length,
    dropped: { ...dropped },
    lastError: lastError === undefined ? null : { ...lastError, atMs: Math.round(lastError.atMs) },
  }
}

/** A will as JSON has it. */
export function willJson(will: WillReport | undefined) {
  return will === undefined ? null : { topic: will.topic, ...payloadJson(will.payload), retain: will.isRetained }
}
