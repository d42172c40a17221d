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
    return host !== undefined && asked === `${scheme}://${host.toLowerCase()}` && isAddressOrLocalhost(asked)
  }
}

function isAddressOrLocalhost(origin: string): boolean {
  if (!URL.canParse(origin)) return false
  const { hostname } = new URL(origin)
  return hostname === 'localhost' || isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0
}
