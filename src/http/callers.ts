import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Gate } from '../auth/gate.ts'
import { type Identity, isRefusal, type Refusal } from '../auth/identity.ts'
import { isLoopback } from '../base/addresses.ts'
import { isFromProxy, peerOf } from '../listeners/http-peer.ts'
import { HttpProblem } from './problem.ts'
import { includesRole } from './roles.ts'

/** To whom `/metrics`, `/healthz` and `/readyz` are open once there are users. */
export type Probes = 'loopback' | 'everybody' | 'nobody'

export interface CallersOptions {
  readonly gate: Gate
  readonly probes: Probes
  /** Where one signs in. */
  readonly signInPath: string
}

/** What a request can be refused as, before anybody looks at what it asks. */
const REFUSALS = {
  wrong: 'unauthorized',
  'not-authorized': 'unauthorized',
  busy: 'unavailable',
  banned: 'too-many',
} as const satisfies Record<Refusal['kind'], string>

const BEARER = /^Bearer +(\S+) *$/i

/** Knows who asks, and lets them ask what their role may. */
export class Callers {
  readonly #options: CallersOptions
  readonly #identities = new WeakMap<IncomingMessage, Identity>()

  constructor(options: CallersOptions) {
    this.#options = options
  }

  /** Who a request is from; undefined: nobody has shown who they are, or there are no users. */
  identityOf({ raw }: FastifyRequest): Identity | undefined {
    return this.#identities.get(raw)
  }

  /** Refuses a request that who asks may not make, before its body is read. @throws HttpProblem */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { gate, signInPath } = this.#options
    if (gate.isOpen) return
    const { raw, routeOptions, method } = request
    // What is not there is told only to those who have signed in.
    const { role: wanted = 'viewer', isPage = false, isProbe = false } = routeOptions.config
    const identity = await this.#identify(raw)
    if (identity !== undefined) this.#identities.set(raw, identity)
    if (includesRole(identity?.role, wanted) || (isProbe && this.#isProbeOpen(raw))) return
    if (identity !== undefined) {
      const has = identity.role === undefined ? 'no role' : `the role ${identity.role}`
      throw new HttpProblem('forbidden', `This needs the role ${wanted}; ${identity.user ?? 'the token'} has ${has}.`)
    }
    if (isPage && method === 'GET' && raw.headers.accept?.includes('text/html') === true) {
      await reply.redirect(`${signInPath}?to=${encodeURIComponent(raw.url ?? '/')}`, 303)
      return
    }
    reply.header('WWW-Authenticate', 'Bearer realm="hubbub"')
    throw new HttpProblem('unauthorized', 'Sign in, or send a token with "Authorization: Bearer".')
  }

  /** @throws HttpProblem for a credential that is not good */
  async #identify(request: IncomingMessage): Promise<Identity | undefined> {
    const { authorization } = request.headers
    if (authorization === undefined) return undefined
    const [, token] = BEARER.exec(authorization) ?? []
    if (token === undefined) throw new HttpProblem('unauthorized', 'Only "Authorization: Bearer" is taken here.')
    const credentials = { userName: undefined, password: Buffer.from(token), clientId: undefined }
    const answer = await this.#options.gate.authenticate(credentials, peerOf(request))
    if (!isRefusal(answer)) return answer
    throw refusalProblem(answer, 'The token is not known, or not good any more.')
  }

  #isProbeOpen(request: IncomingMessage): boolean {
    const { probes } = this.#options
    if (probes !== 'loopback') return probes === 'everybody'
    return isLoopback(peerOf(request).host) && !isFromProxy(request)
  }
}

/** What somebody is told who was not let in; `wrong` is for those whose credential is not good, whatever is wrong with it. */
export function refusalProblem({ kind }: Refusal, wrong: string): HttpProblem {
  const details = {
    unauthorized: wrong,
    unavailable: 'Too many are signing in at once; try again in a few seconds.',
    'too-many': 'There were too many failures; try again later.',
  }
  const problem = REFUSALS[kind]
  return new HttpProblem(problem, details[problem])
}
