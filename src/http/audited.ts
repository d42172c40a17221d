import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AuditNote } from '../auth/audit/audit-entry.ts'
import { peerOf } from '../listeners/http-peer.ts'
import type { ApiParts } from './parts.ts'
import { SAFE_METHODS } from './safety.ts'

/** What is noted of a request: no field that may hold a secret is among them. */
const FIELDS = [
  'topic',
  'filter',
  'text',
  'dryRun',
  'clientId',
  'id',
  'name',
  'user',
  'role',
  'groups',
  'rules',
  'note',
  'expiresAtMs',
]

/** Has all that changes anything noted in the audit log, once there are users. */
export function auditRequests(app: FastifyInstance, { audit, callers }: Pick<ApiParts, 'audit' | 'callers'>): void {
  app.addHook('onResponse', (request, { statusCode }, done) => {
    done()
    const { method, routeOptions, is404, raw } = request
    if (SAFE_METHODS.has(method) || is404 || !callers.isSignInNeeded) return
    const { identity } = callers.of(request)
    const isSignIn = method === 'POST' && routeOptions.url?.endsWith('/session') === true
    // Strangers who try every door are not news; who tries passwords is.
    if (identity === undefined && statusCode === 401 && !isSignIn) return
    const isRefused = statusCode === 401 || statusCode === 403 || statusCode === 429
    const outcome: AuditNote['outcome'] = statusCode < 400 ? 'done' : isRefused ? 'refused' : 'failed'
    audit.note({
      user: identity?.user,
      host: peerOf(raw).host,
      action: `${method} ${routeOptions.url ?? ''}`,
      // A name that nobody has may be a password in the wrong field.
      what: isSignIn && outcome !== 'done' ? {} : whatOf(request),
      outcome,
    })
  })
}

function whatOf({ params, query, body }: FastifyRequest): Record<string, string> {
  if (Array.isArray(body)) return { messages: String(body.length) }
  const what: Record<string, string> = {}
  for (const part of [params, query, body]) {
    if (typeof part !== 'object' || part === null) continue
    for (const name of FIELDS) {
      const value: unknown = Object.hasOwn(part, name) ? Reflect.get(part, name) : undefined
      if (value !== undefined) what[name] = typeof value === 'string' ? value : JSON.stringify(value)
    }
  }
  return what
}
