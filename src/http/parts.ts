import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HistoryPage, HistoryQuery, HistorySnapshot, HistoryTopicSummary, ImportSummary } from '../history/face.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { HubView } from '../admin/hub-view.ts'

/** The application, with parameters typed by their schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What the HTTP side asks of the history. */
export interface HistoryView {
  /** @throws HubbubError `HISTORY_QUERY_INVALID` naming the parameter */
  page(query: HistoryQuery, signal?: AbortSignal): Promise<HistoryPage>
  /** NDJSON in chunks. */
  export(query: HistoryQuery, signal?: AbortSignal): AsyncIterable<Buffer>
  import(lines: AsyncIterable<Buffer>): Promise<ImportSummary>
  topic(name: string): HistoryTopicSummary | undefined
  snapshot(): HistorySnapshot
}

/** What the routes are made of. */
export interface ApiParts {
  readonly view: HubView
  readonly history: HistoryView
  readonly topicLimits: TopicLimits
  /** The largest MQTT packet, header and all. */
  readonly maxPacketBytes: number
}
