import { Type } from 'typebox'
import { Cursor, Limit, NextCursor, orNull, TimeMs } from './fields.ts'
import { answers, route, takes } from './route.ts'

const Entry = Type.Object({
  sequence: Type.Integer({ description: 'Grows with each entry.' }),
  atMs: TimeMs,
  user: orNull(Type.String(), 'Null: the hub itself, a command on its machine, or somebody whose name is not known.'),
  host: orNull(Type.String(), 'The address that it came from; null: none.'),
  action: Type.String({ description: 'A method and route of the API, or what has happened in words.' }),
  what: Type.Record(Type.String(), Type.String(), { description: 'What it was done to, by the name of each.' }),
  outcome: Type.Enum(['done', 'refused', 'failed']),
  times: Type.Integer({ description: 'More than 1: the same by the same user within a minute.' }),
})

export const listAudit = route('GET', '/audit', 'admin', {
  summary: 'Who changed or deleted what, from where, and how it ended; the newest first',
  tags: ['audit'],
  querystring: takes({
    user: Type.Optional(Type.String({ maxLength: 1024, description: 'Only what this user did.' })),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  }),
  response: answers('A page of entries.', Type.Object({ entries: Type.Array(Entry), nextCursor: NextCursor })),
})
