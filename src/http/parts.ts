import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HistoryView } from '../admin/history-view.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { OnReload } from '../admin/reload-report.ts'
import type { Admin } from '../admin/admin.ts'
import type { AuditLog } from '../auth/audit/audit-log.ts'
import type { Users } from '../auth/users/users.ts'
import type { SignIns } from '../auth/sign-ins/sign-ins.ts'
import type { Callers } from './callers.ts'
import type { Address } from '../admin/status.ts'

/** The application, with parameters typed by their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What the routes are made of. */
export interface ApiParts {
  readonly audit: AuditLog
  readonly callers: Callers
  readonly signIns: SignIns
  /** Undefined: there can be none, since there is no file for them. */
  readonly users: Users | undefined
  readonly admin: Admin
  /** Undefined: nobody reads the configuration again. */
  readonly onReload: OnReload | undefined
  /** Where HTTP listens. */
  readonly address: () => Address
  readonly history: HistoryView
  readonly topicLimits: TopicLimits
  /** The largest MQTT packet, header and all. */
  readonly maxPacketBytes: number
}
