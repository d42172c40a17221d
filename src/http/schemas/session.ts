import { Type } from 'typebox'
import { ROLES } from '../../auth/identity.ts'
import { Cursor, Limit, NextCursor, orNull, TimeMs } from './fields.ts'
import { answers, answersNothing, route, takes } from './route.ts'

const Role = Type.Enum([...ROLES])

const UserName = Type.String({ minLength: 1, maxLength: 1024, description: 'The name of a user.' })

const SignIn = Type.Object({
  id: Type.String(),
  user: Type.String(),
  madeAtMs: TimeMs,
  seenAtMs: Type.Number({ description: 'The last request, in ms since 1970.' }),
  endsAtMs: Type.Number({
    description: 'When it ends whatever is asked, in ms since 1970; 12 hours without a request end it before.',
  }),
  host: Type.String({ description: 'The address that it was made from.' }),
  browser: Type.String({ description: 'How the browser calls itself.' }),
  isThis: Type.Boolean({ description: 'Who asks has asked with it.' }),
})

const Session = Type.Object({
  isSignInNeeded: Type.Boolean({ description: 'False: there are no users, and whoever reaches the hub is an admin.' }),
  user: orNull(Type.String(), 'Who asks; null: nobody has signed in.'),
  role: orNull(Role, 'What who asks may do; null: nothing.'),
  groups: Type.Array(Type.String()),
  signIn: orNull(SignIn, 'Null: who asks has not signed in with a browser.'),
  isEncrypted: Type.Boolean({ description: 'False: others in the network can read what is sent, the password too.' }),
})

export const getSession = route('GET', '/session', 'open', {
  summary: 'Who asks, and what they may do',
  tags: ['session'],
  response: answers('Who asks.', Session),
})

export const signIn = route('POST', '/session', 'open', {
  summary: 'Sign in with a browser, which gets a cookie; needs the header "X-Hubbub: 1"',
  tags: ['session'],
  body: takes({ user: UserName, password: Type.String({ maxLength: 65_535 }) }),
  response: answers('Who has signed in.', Session),
})

export const signOut = route('DELETE', '/session', 'open', {
  summary: 'Sign out; nothing happens when nobody has signed in',
  tags: ['session'],
  response: answersNothing(),
})

export const listSignIns = route('GET', '/sessions', 'viewer', {
  summary: 'Where a user is signed in, the last first: oneself, or for an admin everybody',
  tags: ['session'],
  querystring: takes({
    user: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Only of this user. Who is no admin sees only their own.' }),
    ),
    limit: Limit,
    cursor: Type.Optional(Cursor),
  }),
  response: answers('A page of sign-ins.', Type.Object({ sessions: Type.Array(SignIn), nextCursor: NextCursor })),
})

export const endSignIn = route('DELETE', '/sessions/:id', 'viewer', {
  summary: "End a sign-in: one of oneself, or for an admin anybody's",
  tags: ['session'],
  params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
  response: answersNothing(),
})
