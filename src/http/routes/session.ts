import type { FastifyRequest } from 'fastify'
import { LONGEST_MS, type SignIn } from '../../auth/sign-ins/sign-in.ts'
import { cookieWith } from '../cookies.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import { endSignIn, getSession, listSignIns, signIn, signOut } from '../schemas/session.ts'

const LIST = 'sessions'
const LONGEST_SECONDS = LONGEST_MS / 1000

/** `session` and `sessions`: who one is, and where one is signed in. */
export function sessionRoutes(app: Api, { callers, signIns }: Pick<ApiParts, 'callers' | 'signIns'>): void {
  app.route({ ...getSession, handler: (request) => Promise.resolve(sessionOf(request)) })

  app.route({
    ...signIn,
    handler: async (request, reply) => {
      const { user, password } = request.body
      const identity = await callers.signIn(request, user, password)
      const before = callers.of(request).signIn
      if (before !== undefined) await signIns.end(before.id)
      const [secret, begun] = await signIns.begin(identity, request.headers['user-agent'] ?? '')
      reply.header('Set-Cookie', cookieWith(request.raw, secret, LONGEST_SECONDS, callers.isBrowserSecure(request)))
      return {
        ...sessionOf(request),
        user: identity.user,
        role: identity.role,
        groups: [...identity.groups],
        signIn: signInJson(begun, begun.id),
      }
    },
  })

  app.route({
    ...signOut,
    handler: async (request, reply) => {
      const { signIn: own } = callers.of(request)
      if (own !== undefined) await signIns.end(own.id)
      const isSecure = callers.isBrowserSecure(request)
      return reply
        .code(204)
        .header('Set-Cookie', cookieWith(request.raw, '', 0, isSecure))
        .send()
    },
  })

  app.route({
    ...listSignIns,
    handler: (request) => {
      const { user, limit, cursor } = request.query
      const { identity, role, signIn: own } = callers.of(request)
      const after = readCursor(LIST, cursor)
      // Nobody without a name has signed in.
      const all = signIns.list(role === 'admin' ? user : (identity?.user ?? ''))
      const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
      const page = all.slice(from, from + limit)
      const last = page.at(-1)
      const nextCursor = last !== undefined && from + limit < all.length ? cursorBehind(LIST, last.id) : null
      return Promise.resolve({ sessions: page.map((one) => signInJson(one, own?.id)), nextCursor })
    },
  })

  app.route({
    ...endSignIn,
    handler: async (request, reply) => {
      const { id } = request.params
      const { identity, role } = callers.of(request)
      const found = signIns.list(role === 'admin' ? undefined : identity?.user).some((one) => one.id === id)
      if (!found || !(await signIns.end(id)))
        throw new HttpProblem('not-found', 'There is no such sign-in, or it has ended.')
      return reply.code(204).send()
    },
  })

  function sessionOf(request: FastifyRequest) {
    const { identity, role, signIn: own } = callers.of(request)
    return {
      isSignInNeeded: callers.isSignInNeeded,
      user: identity?.user ?? null,
      role: role ?? null,
      groups: [...(identity?.groups ?? [])],
      signIn: own === undefined ? null : signInJson(own, own.id),
      isEncrypted: callers.isBrowserSecure(request),
    }
  }
}

function signInJson({ id, user, madeAtMs, seenAtMs, host, browser }: SignIn, ownId: string | undefined) {
  return { id, user, madeAtMs, seenAtMs, endsAtMs: madeAtMs + LONGEST_MS, host, browser, isThis: id === ownId }
}
