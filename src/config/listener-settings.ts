import { isLoopback } from '../base/addresses.ts'
import type { Config } from './config.ts'
import type { LISTENERS_OPTIONS } from './options/listeners.ts'
import type { ValueOf } from './schema.ts'

export type ListenerKind = 'mqtt' | 'mqtts' | 'http' | 'https' | 'unix'

/** Where the hub is to listen, and how. Everything that may be left out in a file is filled in. */
export interface ListenerSettings {
  readonly name: string
  readonly kind: ListenerKind
  /** How errors call it: `listeners[1]`; undefined: it comes of `port` or `httpPort`. */
  readonly key: string | undefined
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** Of a Unix socket. */
  readonly path: string | undefined
  /** How the user names the port, for errors. */
  readonly portOption: string
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly tls: TlsSettings | undefined
  readonly proxies: ProxySettings
}

/** Files are as the user wrote them, relative to the working folder. */
export interface TlsSettings {
  readonly certificate: string
  readonly key: string
  readonly ca: string | undefined
  readonly crl: string | undefined
  readonly clientCertificates: 'off' | 'optional' | 'required'
  readonly clientName: 'commonName' | 'dns' | 'email' | 'uri'
  readonly ignoreExpiredCrl: boolean
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Other certificates for clients that ask for one of these names. */
  readonly certificates: readonly {
    readonly names: readonly string[]
    readonly certificate: string
    readonly key: string
  }[]
}

export interface ProxySettings {
  /** Each connection begins with a PROXY protocol header. */
  readonly sendHeader: boolean
  /** A client certificate that the proxy has checked counts. */
  readonly sendCertificate: boolean
  /** Addresses and networks whose word counts. */
  readonly trusted: readonly string[]
}

type ListenerItem = ValueOf<Extract<(typeof LISTENERS_OPTIONS)[number], { key: 'listeners' }>['schema']>[number]

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, http: 8080, https: 8443, unix: 0 } as const
const NO_PROXIES: ProxySettings = { sendHeader: false, sendCertificate: false, trusted: [] }

/** Where a hub with this configuration listens. */
export function listenersOf(config: Config): readonly ListenerSettings[] {
  if (config.listeners.length > 0) return config.listeners.map((item, i) => settingsOf(item, i, config))
  const short = {
    key: undefined,
    host: config.host,
    path: undefined,
    tls: undefined,
    proxies: NO_PROXIES,
    ...UNLIMITED,
  }
  const mqtt = { ...short, name: 'mqtt', kind: 'mqtt', port: config.port, portOption: '--port' } as const
  const http = { ...short, name: 'http', kind: 'http', port: config.httpPort, portOption: '--http-port' } as const
  return config.http.enabled ? [mqtt, http] : [mqtt]
}

const UNLIMITED = { maxConnections: Infinity, maxConnectionsPerAddress: Infinity } as const

function settingsOf(item: ListenerItem, i: number, config: Config): ListenerSettings {
  const { kind } = item
  const key = `listeners[${i}]`
  return {
    name: item.name ?? kind,
    kind,
    key,
    host: item.host ?? config.host,
    port: item.port ?? DEFAULT_PORTS[kind],
    path: item.path,
    portOption: `${key}.port`,
    maxConnections: item.maxConnections ?? Infinity,
    maxConnectionsPerAddress: item.maxConnectionsPerAddress ?? Infinity,
    tls: hasTls(kind) ? tlsOf(item) : undefined,
    proxies: {
      sendHeader: item.proxyProtocol ?? false,
      sendCertificate: item.proxyCertificates ?? false,
      trusted: item.trustedProxies ?? [],
    },
  }
}

function tlsOf(item: ListenerItem): TlsSettings {
  return {
    certificate: item.certificate ?? '',
    key: item.key ?? '',
    ca: item.ca,
    crl: item.crl,
    clientCertificates: item.clientCertificates ?? 'off',
    clientName: item.clientName ?? 'commonName',
    ignoreExpiredCrl: item.ignoreExpiredCrl ?? false,
    minVersion: item.minTlsVersion ?? 'TLSv1.2',
    certificates: item.certificates ?? [],
  }
}

export function hasTls(kind: ListenerKind): boolean {
  return kind === 'mqtts' || kind === 'https'
}

export function isHttp(kind: ListenerKind): boolean {
  return kind === 'http' || kind === 'https'
}

/** Whether only this machine can reach it. */
export function isPrivate({ kind, host }: Pick<ListenerSettings, 'kind' | 'host'>): boolean {
  return kind === 'unix' || isLoopback(host)
}

/** Whether nobody is let in without a client certificate. */
export function asksForCertificates({ tls }: Pick<ListenerSettings, 'tls'>): boolean {
  return tls?.clientCertificates === 'required'
}

/** A list item that is wrong as a whole, or a field of it that does not go with the others. */
export interface ListenerFault {
  /** Below the key `listeners`: `[1].path`. */
  readonly at: string
  /** What follows that key. */
  readonly what: string
}

const TLS_FIELDS = [
  'certificate',
  'key',
  'ca',
  'crl',
  'clientCertificates',
  'clientName',
  'ignoreExpiredCrl',
  'minTlsVersion',
  'certificates',
] as const satisfies readonly (keyof ListenerItem)[]

/** What is wrong with a list whose items are right one by one, field by field. */
export function listenerFaults(config: Config): ListenerFault[] {
  const faults: ListenerFault[] = []
  const places = new Map<string, number>()
  const names = new Map<string, number>()
  for (const [i, item] of config.listeners.entries()) {
    const add = (field: string, what: string): void => void faults.push({ at: `[${i}]${field}`, what })
    addFieldFaults(item, add)
    const { kind, name = kind } = item
    if (isHttp(kind) && !config.http.enabled) add('.kind', `must not be "${kind}" while http.enabled is false`)
    const sameName = names.get(name)
    if (sameName !== undefined) {
      const wish =
        item.name === undefined ? 'is missing: without it the name is the kind' : `is ${JSON.stringify(name)}`
      add('.name', `must be one that no other listener has, it ${wish}, as that of listeners[${sameName}]`)
    }
    names.set(name, i)
    const { host, port, path } = settingsOf(item, i, config)
    const place = path ?? (port === 0 ? '' : `${host}:${port}`)
    const samePlace = place === '' ? undefined : places.get(place)
    if (samePlace !== undefined) add('', `must listen elsewhere than listeners[${samePlace}], both are at ${place}`)
    places.set(place, i)
  }
  return faults
}

function addFieldFaults(item: ListenerItem, add: (field: string, what: string) => void): void {
  const { kind } = item
  if (kind === 'unix') {
    if (item.path === undefined) add('.path', 'must be the path of a socket, it is missing')
    for (const field of ['host', 'port'] as const) {
      if (item[field] !== undefined) add(`.${field}`, 'has no meaning for a Unix socket: leave it out')
    }
  } else if (item.path !== undefined) add('.path', `belongs to kind "unix", the kind is "${kind}"`)
  if (!hasTls(kind)) {
    for (const field of TLS_FIELDS) {
      if (item[field] !== undefined) add(`.${field}`, `belongs to the kinds "mqtts" and "https", the kind is "${kind}"`)
    }
  } else addTlsFaults(item, add)
  addProxyFaults(item, add)
}

function addTlsFaults(item: ListenerItem, add: (field: string, what: string) => void): void {
  const { ca, clientCertificates = 'off' } = item
  for (const field of ['certificate', 'key'] as const) {
    if (item[field] === undefined) add(`.${field}`, 'must be a PEM file, it is missing; "hubbub cert" makes one to try')
  }
  if (clientCertificates !== 'off') {
    if (ca === undefined) add('.ca', 'must be the PEM file of those who sign client certificates, it is missing')
    return
  }
  for (const field of ['ca', 'crl', 'clientName', 'ignoreExpiredCrl'] as const) {
    if (item[field] !== undefined) add(`.${field}`, 'needs clientCertificates to be "optional" or "required"')
  }
}

function addProxyFaults(item: ListenerItem, add: (field: string, what: string) => void): void {
  const { kind, proxyProtocol = false, proxyCertificates = false, trustedProxies } = item
  if (proxyCertificates && !proxyProtocol) add('.proxyCertificates', 'needs proxyProtocol: true')
  if (kind === 'unix') {
    if (trustedProxies !== undefined) add('.trustedProxies', 'has no meaning for a Unix socket: leave it out')
    return
  }
  if (proxyProtocol && (trustedProxies ?? []).length === 0) {
    add('.trustedProxies', 'must be a list of the addresses of the proxies, since anybody else could say any address')
  }
  if (trustedProxies !== undefined && !proxyProtocol && !isHttp(kind)) {
    add('.trustedProxies', 'needs proxyProtocol: true')
  }
}
