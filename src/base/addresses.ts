import { BlockList, isIP } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4') // matches ::ffff:127.0.0.0/104 too
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Tells whether only this machine can reach a listener on `host`. `localhost` is taken to be loopback; any other name is
 * not, whatever it resolves to, since that may change.
 */
export function isLoopback(host: string): boolean {
  const version = isIP(host)
  if (version === 0) return host.toLowerCase() === 'localhost'
  return LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

/** Writes an address as URLs do: `127.0.0.1:1883`, `[::1]:1883`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The host that a client on this machine can use for a listener on `host`, which may stand for all addresses. */
export function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
