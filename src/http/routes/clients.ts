import { payloadJson } from '../../protocol/message-json.ts'
import type { ClientReport, SubscriptionReport, WillReport } from '../../session/client-report.ts'
import { jsonOf } from '../compilers.ts'
import { listPieces, sendPieces } from '../json-pieces.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import type { FastifyRequest } from 'fastify'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import { includesRole } from '../roles.ts'
import {
  ClientSummary,
  deleteSession,
  disconnectClient,
  getClient,
  listClients,
  listSlowClients,
  Subscription,
} from '../schemas/clients.ts'

const LIST = 'clients'

const PROTOCOLS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5' }

/** `clients`: who is connected or has a kept session. */
export function clientRoutes(app: Api, { callers }: ApiParts): void {
  const clientsFor = (request: FastifyRequest) => callers.seenBy(request).admin.clients

  app.route({
    ...listClients,
    handler: async (request, reply) => {
      const { q, state, limit, cursor } = request.query
      const found = await clientsFor(request).page({ text: q, state }, readCursor(LIST, cursor), limit + 1)
      const last = found[limit - 1]
      const nextCursor = found.length > limit && last !== undefined ? cursorBehind(LIST, last.clientId) : null
      return sendPieces(reply, listPieces('clients', found.slice(0, limit), piecesOf, { nextCursor }))
    },
  })

  app.route({
    ...listSlowClients,
    handler: async (request, reply) =>
      sendPieces(reply, listPieces('clients', await clientsFor(request).slowest(request.query.limit), piecesOf)),
  })

  app.route({
    ...getClient,
    handler: async (request, reply) => {
      const { clientId } = request.params
      const clients = clientsFor(request)
      const client = clients.get(clientId)
      if (client === undefined) throw unknownClient(clientId)
      return sendPieces(
        reply,
        listPieces('subscriptions', clients.subscriptionsOf(clientId), piecesOfSubscription, summaryOf(client)),
      )
    },
  })

  app.route({
    ...disconnectClient,
    handler: (request, reply) => {
      const { clientId } = request.params
      const clients = clientsFor(request)
      if (clients.get(clientId) === undefined) throw unknownClient(clientId)
      if (!clients.disconnect(clientId)) {
        throw new HttpProblem('conflict', `The client ${JSON.stringify(clientId)} is not connected.`)
      }
      return reply.code(204).send()
    },
  })

  app.route({
    ...deleteSession,
    handler: (request, reply) => {
      const { clientId } = request.params
      const clients = clientsFor(request)
      const { role, identity } = callers.of(request)
      if (clients.get(clientId) === undefined) throw unknownClient(clientId)
      // A page that is closed ends its own session.
      if (!includesRole(role, 'operator') && !clients.isOf(clientId, identity?.user))
        throw new HttpProblem('forbidden', 'This needs the role operator, unless it is a session of your own.')
      if (!clients.deleteSession(clientId)) throw unknownClient(clientId)
      return reply.code(204).send()
    },
  })
}

function piecesOfSubscription(subscription: SubscriptionReport): string[] {
  return [jsonOf(Subscription, subscription)]
}

function piecesOf(client: ClientReport): string[] {
  return [jsonOf(ClientSummary, summaryOf(client))]
}

function unknownClient(clientId: string): HttpProblem {
  return new HttpProblem('not-found', `No client ${JSON.stringify(clientId)} is connected or has a kept session.`)
}

function summaryOf(client: ClientReport) {
  const { connection, expirySeconds, leftAtMs, lastError, lastDenial, user, dropped, ...rest } = client
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
    dropped: { ...dropped },
    user: user ?? null,
    lastDenial: lastDenial === undefined ? null : { ...lastDenial, atMs: Math.round(lastDenial.atMs) },
    lastError: lastError === undefined ? null : { ...lastError, atMs: Math.round(lastError.atMs) },
  }
}

/** A will as JSON has it. */
export function willJson(will: WillReport | undefined) {
  return will === undefined ? null : { topic: will.topic, ...payloadJson(will.payload), retain: will.isRetained }
}
