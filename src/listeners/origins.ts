import { isIP } from 'node:net'

/**
 * Tells whether a page of `origin` may connect. Any page that a user visits can open a WebSocket to the hub, so browsers,
 * which always name the origin, may connect only from listed origins or from the hub's own address.
 */
export type MayConnectFrom = (origin: string | undefined, headers: HostHeaders) => boolean

interface HostHeaders {
  readonly host?: string | undefined
  readonly 'x-forwarded-host'?: string | readonly string[] | undefined
}

/**
 * Compiles a list of origins, such as `https://panel.example.org`; `*` allows every page. The hub's own origin is known by host and
 * port, whatever the scheme: paho-mqtt 1.6 says https of a plain connection, and a proxy may speak TLS. Of a proxy it is the host that
 * the proxy was asked for, which it passes on; a page cannot set that header, but where it is of the same origin already.
 */
export function compileOrigins(origins: readonly string[]): MayConnectFrom {
  if (origins.includes('*')) return () => true
  const listed = new Set(origins.map((origin) => origin.toLowerCase().replace(/(?<=[^/])\/$/, '')))
  return (origin, { host, 'x-forwarded-host': forwarded }) => {
    if (origin === undefined) return true // not a browser
    const asked = origin.toLowerCase()
    if (listed.has(asked)) return true
    // By name, an attacker's page could be "the same origin": its name server answers with our address (DNS rebinding).
    const forwardedHost = String(forwarded ?? '')
      .split(',', 1)[0]
      ?.trim()
    return [host, forwardedHost].some(
      (own) => own !== undefined && isOf(asked, own.toLowerCase()) && isPrivateHost(own),
    )
  }
}

function isOf(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`
}

/** Names below these are never given out to anybody: RFC 6762, RFC 6761, RFC 8375, and `.internal` by ICANN in 2024. */
const PRIVATE_DOMAINS = ['.local', '.localhost', '.home.arpa', '.internal', '.test']

/** Tells whether a `Host` header has a name that no foreign name server answers for: an address, `localhost`, a local name. */
export function isPrivateHost(host: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false
  const { hostname } = new URL(`http://${host}`)
  if (hostname === '' || isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) return hostname !== ''
  return !hostname.includes('.') || PRIVATE_DOMAINS.some((domain) => hostname.endsWith(domain))
}
