import type { FastifyRequest } from 'fastify'
import type { NewCredential } from '../../auth/users/user-changes.ts'
import type { StoredToken, User } from '../../auth/users/user.ts'
import type { UserSighting } from '../../auth/users/user-sightings.ts'
import type { Users } from '../../auth/users/users.ts'
import { LONGEST_MS } from '../../auth/sign-ins/sign-in.ts'
import { cookieWith } from '../cookies.ts'
import { cursorBehind, readCursor } from '../list-cursor.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { includesRole } from '../roles.ts'
import {
  addUser,
  changeUser,
  endToken,
  getUser,
  listTokens,
  listUsers,
  makeSecret,
  makeToken,
  removeUser,
  setPassword,
} from '../schemas/users.ts'

const LIST = 'users'
const DAY_MS = 86_400_000
const TOKEN_MS = 90 * DAY_MS
const LONGEST_TOKEN_MS = 366 * DAY_MS

/** `users`: people and devices, and their tokens. */
export function userRoutes(app: Api, { callers, signIns, users: known }: ApiParts): void {
  app.route({
    ...listUsers,
    handler: ({ query: { q, limit, cursor } }) => {
      const users = usersOf()
      const after = readCursor(LIST, cursor)
      const text = q?.toLowerCase()
      const found = [...users.all()]
        .filter((user) => (after === undefined || user.name > after) && (text === undefined || isFound(user, text)))
        .toSorted((one, other) => (one.name < other.name ? -1 : 1))
      const page = found.slice(0, limit)
      const last = page.at(-1)
      const nextCursor = found.length > limit && last !== undefined ? cursorBehind(LIST, last.name) : null
      return Promise.resolve({ users: page.map((user) => userJson(user, users)), nextCursor })
    },
  })

  app.route({
    ...getUser,
    handler: ({ params: { name } }) => Promise.resolve(userJson(userOf(name), usersOf())),
  })

  app.route({
    ...addUser,
    handler: async (request) => {
      const { name, password, credential = 'secret', role, ...settings } = request.body
      refuseNarrow(request)
      const users = usersOf()
      // Who adds the first one has the hub from then on.
      if (!callers.isSignInNeeded && !callers.isFromThisMachine(request))
        throw new HttpProblem('forbidden', 'The first user is added on the machine of the hub: hubbub user add NAME.')
      if (users.find(name) !== undefined) throw new HttpProblem('conflict', `There is a user ${JSON.stringify(name)}.`)
      const given: NewCredential = password === undefined ? credential : { password: Buffer.from(password) }
      const said = role === undefined || role === null ? settings : { ...settings, role }
      const { user, secret } = await users.changes.add(name, given, said)
      return { user: userJson(user, users), secret: secret ?? null }
    },
  })

  app.route({
    ...changeUser,
    handler: async (request) => {
      const { name } = request.params
      const { role, ...settings } = request.body
      refuseNarrow(request)
      userOf(name)
      const users = usersOf()
      const said = role === undefined ? settings : { ...settings, role: role ?? undefined }
      return userJson(await users.changes.change(name, said), users)
    },
  })

  app.route({
    ...removeUser,
    handler: async ({ params: { name } }, reply) => {
      userOf(name)
      await usersOf().changes.remove(name)
      await signIns.endOthers(name, undefined)
      return reply.code(204).send()
    },
  })

  app.route({
    ...setPassword,
    handler: async (request, reply) => {
      const { name } = request.params
      const { password, currentPassword } = request.body
      const isOwn = checkMayManage(request, name)
      userOf(name)
      if (isOwn) await callers.checkPassword(request, name, currentPassword ?? '')
      await usersOf().changes.setPassword(name, Buffer.from(password))
      await signIns.endOthers(name, undefined)
      const { signIn, identity, role } = callers.of(request)
      if (isOwn && signIn !== undefined && identity !== undefined && role !== undefined) {
        const [secret] = await signIns.begin({ ...identity, user: name, role }, signIn.browser)
        const isSecure = callers.isBrowserSecure(request)
        reply.header('Set-Cookie', cookieWith(request.raw, secret, LONGEST_MS / 1000, isSecure))
      }
      return reply.code(204).send()
    },
  })

  app.route({
    ...makeSecret,
    handler: async (request) => {
      const { name } = request.params
      refuseNarrow(request)
      userOf(name)
      return { secret: await usersOf().changes.newSecret(name) }
    },
  })

  app.route({
    ...listTokens,
    handler: (request) => {
      const { name } = request.params
      checkMayManage(request, name)
      const { tokenSightings } = usersOf()
      const tokens = userOf(name).tokens.map((token) => tokenJson(token, tokenSightings.of(token.id)))
      return Promise.resolve({ tokens })
    },
  })

  app.route({
    ...makeToken,
    handler: async (request) => {
      const { name } = request.params
      const { note = '', rules = [], expiresAtMs = Date.now() + TOKEN_MS } = request.body
      checkMayManage(request, name)
      const { role: own } = callers.of(request)
      if (rules.length > 0 && own !== 'admin')
        throw new HttpProblem('forbidden', 'Only an admin may give a token rules.')
      const role = request.body.role === undefined ? (userOf(name).role ?? null) : request.body.role
      if (role !== null && !includesRole(own, role))
        throw new HttpProblem('forbidden', `A token may not have the role ${role}, which who makes it has not.`)
      if (expiresAtMs > Date.now() + LONGEST_TOKEN_MS)
        throw invalidParameter('expiresAtMs', expiresAtMs, 'it must be within a year')
      userOf(name)
      const made = await usersOf().changes.addToken(name, { note, rules, role: role ?? undefined, expiresAtMs })
      return { ...made, expiresAtMs }
    },
  })

  app.route({
    ...endToken,
    handler: async (request, reply) => {
      const { name, id } = request.params
      checkMayManage(request, name)
      if (!userOf(name).tokens.some((token) => token.id === id))
        throw new HttpProblem('not-found', 'There is no such token, or it has ended.')
      await usersOf().changes.removeToken(name, id)
      return reply.code(204).send()
    },
  })

  function usersOf(): Users {
    if (known === undefined) {
      const detail = 'There is no file for users: all data are in memory. Name one with users.file.'
      throw new HttpProblem('conflict', detail)
    }
    return known
  }

  function userOf(name: string): User {
    const user = usersOf().find(name)
    if (user === undefined) throw new HttpProblem('not-found', `There is no user ${JSON.stringify(name)}.`)
    return user
  }

  /** What is for some topics only must not make itself a way to all. */
  function refuseNarrow(request: FastifyRequest): void {
    if (callers.of(request).identity?.scope === undefined) return
    throw new HttpProblem('forbidden', 'Not with a token that has rules: by another it could do more.')
  }

  /** Returns whether it is one's own name. A token may not make itself another, nor change the password, unless it is an admin's. */
  function checkMayManage(request: FastifyRequest, name: string): boolean {
    const { identity, role } = callers.of(request)
    const isOwn = identity?.user === name
    refuseNarrow(request)
    if (role === 'admin' || (isOwn && identity.via !== 'token')) return isOwn
    throw new HttpProblem('forbidden', isOwn ? 'Not with a token: sign in.' : 'Only an admin may do this for others.')
  }
}

function isFound({ name, groups, note }: User, text: string): boolean {
  return [name, note, ...groups].some((one) => one.toLowerCase().includes(text))
}

function userJson(user: User, { sightings }: Users) {
  const { name, role, groups, rules, note, password, secretSha256, tokens, addedAtMs, changedAtMs } = user
  const { lastSeenAtMs, lastSeenHost, failures, lastFailureAtMs, lastFailureHost } = sightings.of(name)
  return {
    name,
    role: role ?? null,
    groups: [...groups],
    rules: [...rules],
    note,
    credential: credentialOf(password, secretSha256),
    tokens: tokens.length,
    addedAtMs: addedAtMs ?? null,
    changedAtMs: changedAtMs ?? null,
    lastSeenAtMs: rounded(lastSeenAtMs),
    lastSeenHost: lastSeenHost ?? null,
    failures,
    lastFailureAtMs: rounded(lastFailureAtMs),
    lastFailureHost: lastFailureHost ?? null,
  }
}

function credentialOf(password: string | undefined, secret: string | undefined): 'password' | 'secret' | 'none' {
  if (password !== undefined) return 'password'
  return secret === undefined ? 'none' : 'secret'
}

function tokenJson({ id, note, role, rules, madeAtMs, expiresAtMs }: StoredToken, seen: UserSighting) {
  const { lastSeenAtMs, lastSeenHost } = seen
  const ends = { madeAtMs: Math.round(madeAtMs), expiresAtMs: Math.round(expiresAtMs) }
  const used = { lastSeenAtMs: rounded(lastSeenAtMs), lastSeenHost: lastSeenHost ?? null }
  return { id, note, role: role ?? null, rules: [...rules], ...ends, ...used }
}

function rounded(atMs: number | undefined): number | null {
  return atMs === undefined ? null : Math.round(atMs)
}
