import type { FastifyInstance } from 'fastify'
import { signInPage } from './sign-in-page.ts'

const GREETING =
  'Hubbub, an MQTT hub: MQTT over WebSocket is at /mqtt on this address, its API is described at /api/docs.\n'

/** Says at `/` what the hub is, and has people sign in, where there is no dashboard. */
export function greet(app: FastifyInstance): void {
  signInPage(app)
  app.get('/', { config: { role: 'viewer', isPage: true } }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(GREETING),
  )
}
