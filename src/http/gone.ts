import type { FastifyReply } from 'fastify'

/**
 * Aborts when the client has gone before it was answered. Fastify's own `request.signal` (5.12) aborts as well when the body
 * of a POST is read to its end.
 */
export function goneSignal({ raw }: { readonly raw: FastifyReply['raw'] }): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort()
  })
  return controller.signal
}
