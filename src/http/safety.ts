import type { DoneFuncWithErrOrRes, FastifyInstance, FastifyRequest } from 'fastify'
import { compileOrigins, isPrivateHost, type MayConnectFrom } from '../listeners/origins.ts'
import { HttpProblem } from './problem.ts'

/** What probes and scrapers ask, by whatever name they reach the hub, and what tells a page nothing. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics'])
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Keeps pages of other sites out, which a browser in the hub's network would let ask. A hub without users has no other
 * wall, and one with users has this besides: a page must come from the hub itself or be listed (`websocket.origins`).
 *
 *   1. The hub answers only to names that no stranger can have: addresses, `localhost`, names without a dot, `.local` and the
 *      like, and those of listed origins. Else a page could reach it as "the same origin" by DNS rebinding.
 *   2. What changes anything must not be asked by a page of another origin.
 */
export function guardAgainstOtherSites(app: FastifyInstance, origins: readonly string[], basePath: string): void {
  const mayConnectFrom = compileOrigins(origins)
  const listedHosts = new Set(origins.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).host))
  const isEveryHostKnown = origins.includes('*')

  app.addHook('onRequest', (request, _reply, done) => {
    const path = request.url.split('?', 1)[0] ?? ''
    const isOpen = path.startsWith(basePath) && OPEN_PATHS.has(path.slice(basePath.length))
    const { host = '' } = request.headers
    if (!isOpen && !isEveryHostKnown && !isPrivateHost(host) && !listedHosts.has(host.toLowerCase())) {
      const detail = `The request was for the host ${JSON.stringify(host)}. To allow this name, add its origin to websocket.origins, such as https://${host}.`
      done(new HttpProblem('host-unknown', detail))
      return
    }
    if (!SAFE_METHODS.has(request.method)) refuseForeign(request, mayConnectFrom, done)
    else done()
  })
}

/**
 * Refuses questions to the API by pages of other origins, too: a search takes the hub's time even if the page, such as one with
 * an image of that address, cannot read the answer. A browser says so of every request to this machine, or over TLS; for other
 * addresses it names the origin only when a script asks.
 */
export function guardApiAgainstOtherSites(api: FastifyInstance, origins: readonly string[]): void {
  const mayConnectFrom = compileOrigins(origins)
  api.addHook('onRequest', (request, _reply, done) => refuseForeign(request, mayConnectFrom, done))
}

function refuseForeign({ headers }: FastifyRequest, mayConnectFrom: MayConnectFrom, done: DoneFuncWithErrOrRes): void {
  const { origin, 'sec-fetch-site': site } = headers
  const isForeign =
    origin === undefined ? site === 'cross-site' || site === 'same-site' : !mayConnectFrom(origin, headers)
  if (!isForeign) done()
  else if (origin === undefined) done(new HttpProblem('cross-site', 'A page of another site asks without its origin.'))
  else {
    const detail = `The page comes from ${origin}. To allow it, add this origin to websocket.origins.`
    done(new HttpProblem('cross-site', detail))
  }
}
