import { BlockList, isIP, isIPv6 } from 'node:net'

/** Tells whether an address is one of those whose word about others counts. */
export type IsTrusted = (host: string) => boolean

/** Compiles a list of addresses and networks, such as `10.0.0.0/8`, which must be valid. */
export function compileTrusted(networks: readonly string[]): IsTrusted {
  if (networks.length === 0) return () => false
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return (host) => isIP(host) !== 0 && list.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
}
