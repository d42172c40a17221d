import type { FastifyInstance } from 'fastify'

/** What the dashboard may load: its own files and its own hub, nothing else. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  // `ws:` of its own host is 'self' in the browsers of today.
  "connect-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/** Sets on each answer what keeps browsers from doing harm with it. The documentation brings a policy of its own. */
export function setSecurityHeaders(app: FastifyInstance, docsPath: string): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(HEADERS)
    if (!request.url.startsWith(docsPath)) reply.header('Content-Security-Policy', CONTENT_SECURITY_POLICY)
    done()
  })
}
