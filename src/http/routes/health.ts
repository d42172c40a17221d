import type { FastifyInstance } from 'fastify'
import type { HubStatus } from '../../admin/status.ts'

/** All metrics, in the text format of Prometheus. */
export type Scrape = () => Promise<{ readonly contentType: string; readonly body: string }>

const PROBE = { config: { role: 'viewer', isProbe: true } } as const

/** `/healthz`, `/readyz` and `/metrics`: what machines ask. */
export function healthRoutes(app: FastifyInstance, status: HubStatus, scrape: Scrape): void {
  app.get('/healthz', PROBE, (_request, reply) => reply.type('text/plain; charset=utf-8').send('alive\n'))

  app.get('/readyz', PROBE, (_request, reply) => {
    const faults = status.faults()
    reply.type('text/plain; charset=utf-8').code(faults.length === 0 ? 200 : 503)
    return reply.send(faults.length === 0 ? 'ready\n' : `${faults.join('\n')}\n`)
  })

  app.get('/metrics', PROBE, async (_request, reply) => {
    const { contentType, body } = await scrape()
    return reply.type(contentType).send(body)
  })
}
