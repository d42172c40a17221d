import { isIP } from 'node:net'

/**
 * Tells whether a page of `origin` may connect. Any page that a user visits can open a WebSocket to the hub, so browsers,
 * who always name the origin, get in only from where the hub is told or from the hub's own address.
 */
export type MayConnectFrom = (origin: string | undefined, host: string | undefined) => boolean

/** Compiles a list of origins, `https://panel.example.org`; `*` lets every page in. `scheme` is the hub's own. */
export function compileOrigins(origins: readonly string[], scheme: 'http' | 'https'): MayConnectFrom {
  if (origins.includes('*')) return () => true
  const listed = new Set(origins.map((origin) => origin.toLowerCase().replace(/\/$/, '')))
  return (origin, host) => {
    if (origin === undefined) return true // not a browser
    const asked = origin.toLowerCase()
    if (listed.has(asked)) return true
    // By name, an attacker's page could be "the same origin": its name server answers with our address (DNS rebinding).
    return host !== undefined && asked === `${scheme}://${host.toLowerCase()}` && isPrivateHost(host)
  }
}

/** Names below these are never given out to anybody: RFC 6762, RFC 6761, RFC 8375, and `.internal` by ICANN in 2024. */
const PRIVATE_DOMAINS = ['.local', '.localhost', '.home.arpa', '.internal', '.test']

/** Tells whether a `Host` header names what no stranger's name server can stand for: an address, `localhost`, a name at home. */
export function isPrivateHost(host: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false
  const { hostname } = new URL(`http://${host}`)
  if (hostname === '' || isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0) return hostname !== ''
  return !hostname.includes('.') || PRIVATE_DOMAINS.some((domain) => hostname.endsWith(domain))
}
