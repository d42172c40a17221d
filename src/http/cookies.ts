import type { IncomingMessage } from 'node:http'
import { parseCookie, stringifySetCookie } from 'cookie'
import { isEncrypted } from '../listeners/http-peer.ts'

/** Browsers take it over TLS only, from the host itself, for all of it: nobody else can set it. */
const SECURE_NAME = '__Host-hubbub'

/**
 * The secret of the sign-in that a request came with. Cookies do not know ports: two hubs of a machine have two names, and over TLS
 * one that was set without it does not count.
 */
export function secretIn(request: IncomingMessage): string | undefined {
  const { cookie } = request.headers
  if (cookie === undefined) return undefined
  const cookies = parseCookie(cookie)
  // A proxy that speaks TLS passes it on without.
  return cookies[SECURE_NAME] ?? (isEncrypted(request) ? undefined : cookies[plainName(request)])
}

/** The cookie that a browser keeps for so many seconds; 0 has it forgotten. `isSecure`: the browser speaks TLS. */
export function cookieWith(request: IncomingMessage, secret: string, maxAge: number, isSecure: boolean): string {
  const name = isSecure ? SECURE_NAME : plainName(request)
  return stringifySetCookie({
    name,
    value: secret,
    maxAge,
    path: '/',
    httpOnly: true,
    secure: isSecure,
    sameSite: 'strict',
  })
}

function plainName({ headers: { host = '' } }: IncomingMessage): string {
  const url = `http://${host}`
  const port = URL.canParse(url) ? new URL(url).port : ''
  return `hubbub-${port === '' ? '80' : port}`
}
