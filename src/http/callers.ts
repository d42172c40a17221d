import type { IncomingMessage } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Admin } from '../admin/admin.ts'
import type { HistoryView } from '../admin/history-view.ts'
import { type Seen, SeenInPart, seenWhole } from '../admin/seen.ts'
import { Sight } from '../admin/sight.ts'
import { anonymous, type Gate } from '../auth/gate.ts'
import { type Identity, isRefusal, type Refusal, type Role } from '../auth/identity.ts'
import type { SignIn } from '../auth/sign-ins/sign-in.ts'
import type { SignIns } from '../auth/sign-ins/sign-ins.ts'
import type { View } from '../auth/view.ts'
import { isLoopback } from '../base/addresses.ts'
import type { UpgradeCaller } from '../listeners/websocket.ts'
import { isEncrypted, isFromProxy, ownOrigins, peerOf } from '../listeners/http-peer.ts'
import { secretIn } from './cookies.ts'
import { HttpProblem } from './problem.ts'
import { includesRole } from './roles.ts'
import { SAFE_METHODS } from './safety.ts'

/** To whom `/metrics`, `/healthz` and `/readyz` are open once there are users. */
export type Probes = 'loopback' | 'everybody' | 'nobody'

export interface CallersOptions {
  readonly gate: Gate
  readonly signIns: SignIns
  readonly admin: Admin
  readonly history: HistoryView
  readonly probes: Probes
  /** The address by which people know the hub, behind a proxy. */
  readonly publicUrl: string | undefined
  /** '' or a path that everything is below. */
  readonly basePath: string
}

/** Who makes a request. */
export interface Caller {
  /** Undefined: nobody has shown who they are, or there are no users. */
  readonly identity: Identity | undefined
  readonly role: Role | undefined
  /** Who asks has signed in with a browser. */
  readonly signIn: SignIn | undefined
}

const NOBODY: Caller = { identity: undefined, role: undefined, signIn: undefined }
/** There are no users. */
const EVERYBODY: Caller = { ...NOBODY, role: 'admin' }

/** What a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1

const BEARER = /^Bearer +(\S+) *$/i
/** No form of a page can send it. */
const OWN_HEADER = 'x-hubbub'

/** Knows who asks, and lets them ask what their role may. */
export class Callers {
  readonly #options: CallersOptions
  readonly #callers = new WeakMap<IncomingMessage, Caller>()

  /** Of those who may see everything, and where there are no users. */
  readonly #whole: Seen
  readonly #seen = new WeakMap<Identity, { readonly epoch: number; readonly seen: Seen }>()

  constructor(options: CallersOptions) {
    this.#options = options
    this.#whole = seenWhole(options.admin, options.history)
  }

  get isSignInNeeded(): boolean {
    return !this.#options.gate.isOpen
  }

  /** Who a request that was admitted is from. */
  of({ raw }: FastifyRequest): Caller {
    return this.#callers.get(raw) ?? NOBODY
  }

  /**
   * Calls `over` when who asks has signed out, or users or rules have changed: what goes on has to be asked for again. Returns a
   * function that ends that.
   */
  whenOver(request: FastifyRequest, over: () => void): () => void {
    const { gate, signIns } = this.#options
    const { signIn, identity } = this.of(request)
    const ends = [gate.watch(over)]
    if (signIn !== undefined) ends.push(signIns.whenOver(signIn.id, over))
    const leftMs = (identity?.expiresAtMs ?? Infinity) - Date.now()
    if (leftMs <= MAX_TIMER_MS) {
      const timer = setTimeout(over, leftMs).unref()
      ends.push(() => clearTimeout(timer))
    }
    return () => {
      for (const end of ends) end()
    }
  }

  /** What the access rules let who asks do. */
  viewOf(request: FastifyRequest): View {
    const { gate } = this.#options
    return gate.viewOf(this.of(request).identity ?? anonymous({ clientId: undefined }, peerOf(request.raw)))
  }

  /** The hub as who asks may see it, and what they may do to it. */
  seenBy(request: FastifyRequest): Seen {
    const { gate, admin, history } = this.#options
    const { identity } = this.of(request)
    if (identity === undefined) return this.#whole
    const known = this.#seen.get(identity)
    if (known?.epoch === gate.epoch) return known.seen
    const view = gate.viewOf(identity)
    const seen = view.isUnlimited ? this.#whole : new SeenInPart(admin, history, new Sight(identity, view))
    this.#seen.set(identity, { epoch: gate.epoch, seen })
    return seen
  }

  /** Refuses a request that who asks may not make, before its body is read. @throws HttpProblem */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { raw, routeOptions, method } = request
    if (!this.isSignInNeeded) {
      this.#callers.set(raw, EVERYBODY)
      return
    }
    // What is not there is told only to those who have signed in.
    const { role: wanted = 'viewer', isPage = false, isProbe = false } = routeOptions.config
    const caller = await this.#identify(raw)
    this.#callers.set(raw, caller)
    const { identity, role, signIn } = caller
    if (signIn !== undefined && !SAFE_METHODS.has(method)) this.#checkOwnPage(raw)
    if (includesRole(role, wanted) || (isProbe && this.#isProbeOpen(raw))) return
    if (identity !== undefined) {
      const has = role === undefined ? 'no role' : `the role ${role}`
      throw new HttpProblem('forbidden', `This needs the role ${wanted}; ${identity.user ?? 'the token'} has ${has}.`)
    }
    if (isPage && method === 'GET' && raw.headers.accept?.includes('text/html') === true) {
      await reply.redirect(signInFrom(raw.url ?? '/', this.#options.basePath), 303)
      return
    }
    reply.header('WWW-Authenticate', 'Bearer realm="hubbub"')
    throw new HttpProblem('unauthorized', 'Sign in, or send a token with "Authorization: Bearer".')
  }

  /** Who has this name and password, and a role. Only for the hub's own page, and for programs. @throws HttpProblem */
  async signIn(
    { raw }: FastifyRequest,
    user: string,
    password: string,
  ): Promise<Identity & { user: string; role: Role }> {
    if (!this.isSignInNeeded) throw new HttpProblem('conflict', 'There are no users: nobody has to sign in.')
    if (raw.headers.origin !== undefined || raw.headers['sec-fetch-site'] !== undefined) this.#checkOwnPage(raw)
    else checkOwnHeader(raw)
    const credentials = { userName: user, password: Buffer.from(password), clientId: undefined }
    const answer = await this.#options.gate.authenticate(credentials, peerOf(raw))
    if (isRefusal(answer)) throw refusalProblem(answer, 'The name or the password is not right.')
    // Else it would become a sign-in with all that its user may do, until long after its end.
    if (answer.via === 'token')
      throw new HttpProblem('forbidden', 'A token is for programs: send it with "Authorization: Bearer".')
    const { role } = answer
    if (role === undefined || answer.user === undefined)
      throw new HttpProblem('forbidden', `${user} has no role: a device cannot sign in here.`)
    return { ...answer, user: answer.user, role }
  }

  /** Whether the request comes from the machine of the hub, and not through a proxy there. */
  isFromThisMachine({ raw }: FastifyRequest): boolean {
    return isFromHere(raw)
  }

  /** Whether who asks knows the password of a user, by the same limits as a sign-in. @throws HttpProblem when not */
  async checkPassword({ raw }: FastifyRequest, user: string, password: string): Promise<void> {
    const credentials = { userName: user, password: Buffer.from(password), clientId: undefined }
    const answer = await this.#options.gate.authenticate(credentials, peerOf(raw))
    if (!isRefusal(answer)) return
    if (answer.kind === 'busy' || answer.kind === 'banned') throw refusalProblem(answer, '')
    throw new HttpProblem('forbidden', 'The current password is not right.')
  }

  /** Who makes an upgrade request: only a page of this very hub acts by its cookie. Rejects when a token is not good. */
  identifyUpgrade(request: IncomingMessage): UpgradeCaller | undefined | Promise<UpgradeCaller | undefined> {
    const { authorization, origin } = request.headers
    if (!this.isSignInNeeded) return undefined
    if (authorization !== undefined)
      return this.#identifyBearer(request, authorization).then(({ identity }) =>
        identity === undefined ? undefined : { identity, whenOver: () => () => undefined },
      )
    if (origin === undefined || !ownOrigins(request, this.#options.publicUrl).includes(origin)) return undefined
    const { identity, signIn } = this.#identifyCookie(request)
    if (identity === undefined || signIn === undefined) return undefined
    const { signIns, admin } = this.#options
    const whenOver = (over: () => void): (() => void) =>
      // A client of MQTT 5 is told why.
      signIns.whenOver(signIn.id, () => void admin.clients.signedOut(signIn.id).then(() => setImmediate(over)))
    return { identity, whenOver }
  }

  /** Whether the browser speaks TLS, with the hub or with a proxy before it. */
  isBrowserSecure({ raw }: FastifyRequest): boolean {
    const { origin } = raw.headers
    return isEncrypted(raw) || (origin ?? this.#options.publicUrl)?.startsWith('https:') === true
  }

  /** @throws HttpProblem for a token that is not good */
  async #identify(request: IncomingMessage): Promise<Caller> {
    const { authorization } = request.headers
    if (authorization !== undefined) return this.#identifyBearer(request, authorization)
    return this.#identifyCookie(request)
  }

  #identifyCookie(request: IncomingMessage): Caller {
    const secret = secretIn(request)
    const found = secret === undefined ? undefined : this.#options.signIns.find(secret, peerOf(request))
    return found === undefined ? NOBODY : { ...found, role: found.identity.role }
  }

  async #identifyBearer(request: IncomingMessage, authorization: string): Promise<Caller> {
    const [, token] = BEARER.exec(authorization) ?? []
    if (token === undefined) throw new HttpProblem('unauthorized', 'Only "Authorization: Bearer" is taken here.')
    const credentials = { userName: undefined, password: Buffer.from(token), clientId: undefined }
    const answer = await this.#options.gate.authenticate(credentials, peerOf(request))
    if (isRefusal(answer)) throw refusalProblem(answer, 'The token is not known, or not good any more.')
    return { identity: answer, role: answer.role, signIn: undefined }
  }

  /**
   * A cookie goes along with requests of pages of other ports of this machine, and a sign-in must not be one of theirs.
   * @throws HttpProblem for a request that no page of this very hub has made
   */
  #checkOwnPage(request: IncomingMessage): void {
    const { origin } = request.headers
    if (origin === undefined) throw new HttpProblem('cross-site', 'With a cookie, the header "Origin" is required.')
    if (!ownOrigins(request, this.#options.publicUrl).includes(origin)) {
      const detail = `The page comes from ${origin}, which is not the address of this hub. If it is, behind a proxy, set http.publicUrl to it.`
      throw new HttpProblem('cross-site', detail)
    }
    checkOwnHeader(request)
  }

  #isProbeOpen(request: IncomingMessage): boolean {
    const { probes } = this.#options
    return probes === 'loopback' ? isFromHere(request) : probes === 'everybody'
  }
}

/** Where one signs in, seen from a page, and the page to come back to as seen from there: a proxy may have taken a path off. */
function signInFrom(url: string, basePath: string): string {
  const below = url.startsWith(`${basePath}/`) ? url.slice(basePath.length) : '/'
  const levels = (below.split('?', 1)[0] ?? '').split('/').length - 2
  return `${'../'.repeat(levels)}sign-in?to=${encodeURIComponent(`.${below}`)}`
}

function isFromHere(request: IncomingMessage): boolean {
  return isLoopback(peerOf(request).host) && !isFromProxy(request)
}

function checkOwnHeader({ headers }: IncomingMessage): void {
  if (headers[OWN_HEADER] !== '1') throw new HttpProblem('cross-site', 'The header "X-Hubbub: 1" is required.')
}

/** What a refusal is over HTTP. */
const REFUSALS = {
  wrong: 'unauthorized',
  'not-authorized': 'unauthorized',
  busy: 'unavailable',
  banned: 'too-many',
} as const satisfies Record<Refusal['kind'], string>

/** What somebody is told who was not let in; `wrong` is for those whose credential is not good, whatever is wrong with it. */
function refusalProblem({ kind }: Refusal, wrong: string): HttpProblem {
  const details = {
    unauthorized: wrong,
    unavailable: 'Too many are signing in at once; try again in a few seconds.',
    'too-many': 'There were too many failures; try again later.',
  }
  const problem = REFUSALS[kind]
  return new HttpProblem(problem, details[problem])
}
