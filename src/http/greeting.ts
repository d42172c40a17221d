import type { FastifyInstance } from 'fastify'

const GREETING =
  'Hubbub, an MQTT hub: MQTT over WebSocket is at /mqtt on this address, its API is described at /api/docs.\n'

/** Says at `/` what the hub is, where there is no dashboard. */
export function greet(app: FastifyInstance): void {
  app.get('/', { config: { role: 'viewer', isPage: true } }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(GREETING),
  )
}
