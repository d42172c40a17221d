import { Type } from 'typebox'
import { ROLES } from '../../auth/identity.ts'
import { Count, Cursor, Limit, NextCursor, orNull, TimeMs } from './fields.ts'
import { answers, answersNothing, route, takes } from './route.ts'

const Name = Type.String({ minLength: 1, maxLength: 256, description: 'The name of a user.' })
const Role = orNull(Type.Enum([...ROLES]), 'Null: a device, which has no access to the pages and the API.')
const Groups = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 100 })
const Rules = Type.Array(Type.String({ minLength: 1, maxLength: 10_000 }), {
  maxItems: 100,
  description:
    'Access rules of this one alone, as the configuration has them; they come after those of the configuration.',
})
const Note = Type.String({ maxLength: 1000 })
const Password = Type.String({ minLength: 1, maxLength: 1024 })

const Token = Type.Object({
  id: Type.String({ description: 'What it is ended by; no secret.' }),
  note: Type.String(),
  role: Role,
  rules: Type.Array(Type.String()),
  madeAtMs: TimeMs,
  expiresAtMs: TimeMs,
  lastSeenAtMs: orNull(TimeMs, 'Null: it was not used since the hub started.'),
  lastSeenHost: orNull(Type.String()),
})

const User = Type.Object({
  name: Type.String(),
  role: Role,
  groups: Type.Array(Type.String()),
  rules: Type.Array(Type.String()),
  note: Type.String(),
  credential: Type.Enum(['password', 'secret', 'none'], { description: 'none: a client certificate alone.' }),
  tokens: Count,
  addedAtMs: orNull(TimeMs),
  changedAtMs: orNull(TimeMs, 'When the password or secret was last changed.'),
  lastSeenAtMs: orNull(TimeMs, 'Null: not since the hub started.'),
  lastSeenHost: orNull(Type.String()),
  failures: Type.Integer({ description: 'Wrong credentials for the name since it was last right.' }),
  lastFailureAtMs: orNull(TimeMs),
  lastFailureHost: orNull(Type.String()),
})

const Secret = orNull(Type.String(), 'The secret that was made. It is nowhere else: it cannot be shown again.')

const UserPath = Type.Object({ name: Name })

export const listUsers = route('GET', '/users', 'admin', {
  summary: 'People and devices, sorted by name',
  tags: ['users'],
  querystring: takes({
    q: Type.Optional(Type.String({ maxLength: 1000, description: 'Part of the name, a group or the note.' })),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  }),
  response: answers('A page of users.', Type.Object({ users: Type.Array(User), nextCursor: NextCursor })),
})

export const getUser = route('GET', '/users/:name', 'admin', {
  summary: 'One person or device',
  tags: ['users'],
  params: UserPath,
  response: answers('The user.', User),
})

export const addUser = route('POST', '/users', 'admin', {
  summary: 'Add a person with a password, or a device with a secret that is made; the first person becomes an admin',
  tags: ['users'],
  body: takes({
    name: Name,
    password: Type.Optional(Password),
    credential: Type.Optional(
      Type.Enum(['secret', 'none'], {
        description: 'Without a password: a secret is made, or a client certificate is all.',
      }),
    ),
    role: Type.Optional(Role),
    groups: Type.Optional(Groups),
    rules: Type.Optional(Rules),
    note: Type.Optional(Note),
  }),
  response: answers('The user.', Type.Object({ user: User, secret: Secret })),
})

export const changeUser = route('POST', '/users/:name', 'admin', {
  summary: 'Change role, groups, rules or note; what is left out stays',
  tags: ['users'],
  params: UserPath,
  body: takes({
    role: Type.Optional(Role),
    groups: Type.Optional(Groups),
    rules: Type.Optional(Rules),
    note: Type.Optional(Note),
  }),
  response: answers('The user.', User),
})

export const removeUser = route('DELETE', '/users/:name', 'admin', {
  summary: 'Remove a user; who is connected or signed in as it no longer is',
  tags: ['users'],
  params: UserPath,
  response: answersNothing(),
})

export const setPassword = route('POST', '/users/:name/password', 'viewer', {
  summary: "Set a password: an admin anybody's, others their own; all other sign-ins of the user end",
  tags: ['users'],
  params: UserPath,
  body: takes({
    password: Password,
    currentPassword: Type.Optional(Type.String({ maxLength: 1024, description: "Required for one's own password." })),
  }),
  response: answersNothing(),
})

export const makeSecret = route('POST', '/users/:name/secret', 'admin', {
  summary: 'Make a new secret for a device, in place of what it had',
  tags: ['users'],
  params: UserPath,
  response: answers('The secret.', Type.Object({ secret: Secret })),
})

export const listTokens = route('GET', '/users/:name/tokens', 'viewer', {
  summary: "API tokens: one's own, or for an admin anybody's",
  tags: ['users'],
  params: UserPath,
  response: answers('The tokens.', Type.Object({ tokens: Type.Array(Token) })),
})

export const makeToken = route('POST', '/users/:name/tokens', 'viewer', {
  summary: 'Make an API token, which acts as its user with at most its own role until it ends',
  tags: ['users'],
  params: UserPath,
  body: takes({
    note: Type.Optional(Note),
    role: Type.Optional(Role),
    rules: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 10_000 }), {
        maxItems: 100,
        description: 'Access rules in place of those that its user has alone; only an admin may give them.',
      }),
    ),
    expiresAtMs: Type.Optional(
      Type.Number({
        description: 'When it ends, in ms since 1970; in 90 days when it is left out, at most in a year.',
      }),
    ),
  }),
  response: answers(
    'The token.',
    Type.Object({
      id: Type.String(),
      token: Type.String({ description: 'It is nowhere else: it cannot be shown again.' }),
      expiresAtMs: TimeMs,
    }),
  ),
})

export const endToken = route('DELETE', '/users/:name/tokens/:id', 'viewer', {
  summary: "End an API token: one's own, or for an admin anybody's",
  tags: ['users'],
  params: Type.Object({ name: Name, id: Type.String({ maxLength: 100 }) }),
  response: answersNothing(),
})
