import { type Static, Type } from 'typebox'
import {
  Count,
  Cursor,
  Limit,
  NextCursor,
  orNull,
  ShownMessageFields,
  ShownPayloads,
  TimeMs,
  TopicFilter,
  TopicName,
} from './fields.ts'
import type { WithoutPayload } from '../message-pieces.ts'
import { answers, withDefault, route, takes } from './route.ts'

/** Topics that are named of those that are deleted. */
export const SHOWN_TOPICS = 20

const Retained = Type.Object({
  ...ShownMessageFields,
  publisher: orNull(Type.String()),
  packetBytes: Type.Integer({ description: 'Its share of limits.maxRetainedBytes.' }),
  atMs: orNull(TimeMs, 'When it came; null: before the hub started.'),
})

const Page = Type.Object({
  messages: Type.Array(Retained),
  nextCursor: NextCursor,
  isComplete: Type.Boolean({
    description:
      'False: the page ended at what may be searched, or sent, for one answer; continue with `nextCursor`, even after an empty page.',
  }),
})

export type RetainedFields = WithoutPayload<Static<typeof Retained>>

const Deletion = Type.Object({
  messages: Type.Integer({ description: 'How many are deleted, or would be deleted.' }),
  bytes: Count,
  topics: Type.Array(Type.String(), { description: `The first ${SHOWN_TOPICS} of their topics.` }),
  isDryRun: Type.Boolean(),
  canUndo: Type.Boolean({ description: 'False: they are larger than the 64 MiB that can be kept for an undo.' }),
  undoToken: orNull(Type.String()),
  undoUntilMs: orNull(TimeMs),
})

const Text = Type.String({
  minLength: 1,
  maxLength: 1000,
  description: 'Text in the topic or the first 256 KiB of the payload; upper and lower case are the same.',
})

const Filtered = { filter: TopicFilter, text: Type.Optional(Text) }

export const listRetained = route('GET', '/retained', 'viewer', {
  summary: 'Retained messages under a filter, in the order of the topic tree',
  tags: ['retained'],
  querystring: takes({
    filter: Type.Optional(TopicFilter),
    text: Type.Optional(Text),
    payload: ShownPayloads,
    limit: Limit,
    cursor: Type.Optional(Cursor),
  }),
  response: answers('A page of messages.', Page),
})

export const getRetained = route('GET', '/retained/one', 'viewer', {
  summary: 'The retained message of a topic',
  tags: ['retained'],
  querystring: takes({ topic: TopicName, payload: ShownPayloads }),
  response: answers('The message.', Retained),
})

export const deleteRetained = route('DELETE', '/retained', 'operator', {
  summary: 'Delete the retained messages under a filter; subscribers get an empty message for each',
  tags: ['retained'],
  querystring: takes({ ...Filtered, dryRun: withDefault(Type.Boolean({ description: 'Only count them.' }), false) }),
  response: answers('What was deleted.', Deletion),
})

export const undoDeletion = route('POST', '/retained/undo', 'operator', {
  summary: 'Restore deleted messages, except where the topic has a newer one',
  tags: ['retained'],
  body: takes({ undoToken: Type.String({ maxLength: 100 }) }),
  response: answers('What was restored.', Type.Object({ restored: Count, skipped: Count })),
})
