import type { AuditEntry } from '../../auth/audit/audit-entry.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import type { Api, ApiParts } from '../parts.ts'
import { listAudit } from '../schemas/audit.ts'

const LIST = 'audit'

/** `audit`: who changed or deleted what. */
export function auditRoute(app: Api, { audit }: ApiParts): void {
  app.route({
    ...listAudit,
    handler: ({ query: { user, limit, cursor } }) => {
      const after = readCursor(LIST, cursor)
      const found = audit.list(after === undefined ? undefined : Number(after), limit + 1, user)
      const entries = found.slice(0, limit).map(entryJson)
      const last = entries.at(-1)
      const nextCursor = found.length > limit && last !== undefined ? cursorBehind(LIST, String(last.sequence)) : null
      return Promise.resolve({ entries, nextCursor })
    },
  })
}

function entryJson({ sequence, atMs, user, host, action, what, outcome, times }: AuditEntry) {
  return { sequence, atMs, user: user ?? null, host: host ?? null, action, what: { ...what }, outcome, times }
}
