import { isIP, isIPv6 } from 'node:net'
import type { Option } from '../option.ts'
import { BOOLEAN, choice, number, orOff, orUnlimited, whole } from '../schema.ts'

const HOST_NAME = /^[a-z0-9_]([a-z0-9._-]{0,252})$/i
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/

const HOST = {
  type: 'string',
  '~refine': [{ check: (host: string) => isIP(host) !== 0 || HOST_NAME.test(host), error: () => 'no host' }],
  wanted: 'an IP address or a host name',
  placeholder: 'ADDRESS',
} as const

const PORT = whole(0, 65_535)

const ORIGINS = {
  type: 'array',
  items: {
    type: 'string',
    '~refine': [{ check: isOrigin, error: () => 'no origin' }],
    wanted: 'an origin as a browser sends it, such as "https://app.example.org", or "*"',
  },
  wanted: 'a list of origins as a browser sends them, such as "https://app.example.org", or "*"',
} as const

const FILE = { type: 'string', pattern: '^[^\\0]+$', wanted: 'the name of a PEM file', placeholder: 'FILE' } as const

const LISTENERS = {
  type: 'array',
  items: {
    type: 'object',
    title: 'listener',
    properties: {
      name: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$',
        wanted: 'a name of letters, digits, "-" and "_", of 32 at most',
      },
      kind: choice('mqtt', 'mqtts', 'http', 'https', 'unix'),
      host: HOST,
      port: PORT,
      path: {
        type: 'string',
        // What a socket address has room for.
        '~refine': [{ check: isSocketPath, error: () => 'no path' }],
        wanted: 'the path of a socket, of at most 100 bytes',
      },
      certificate: FILE,
      key: FILE,
      ca: FILE,
      crl: FILE,
      clientCertificates: choice('off', 'optional', 'required'),
      clientName: choice('commonName', 'dns', 'email', 'uri'),
      ignoreExpiredCrl: BOOLEAN,
      minTlsVersion: choice('TLSv1.2', 'TLSv1.3'),
      certificates: {
        type: 'array',
        items: {
          type: 'object',
          title: 'certificate',
          properties: {
            names: {
              type: 'array',
              items: {
                type: 'string',
                pattern: '^(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$',
                wanted: 'a host name',
              },
              wanted: 'a list of host names such as "hub.example.org" or "*.example.org"',
            },
            certificate: FILE,
            key: FILE,
          },
          required: ['names', 'certificate', 'key'],
        },
      },
      maxConnections: orUnlimited(whole(1, 10_000_000)),
      maxConnectionsPerAddress: orUnlimited(whole(1, 10_000_000)),
      proxyProtocol: BOOLEAN,
      proxyCertificates: BOOLEAN,
      trustedProxies: {
        type: 'array',
        items: {
          type: 'string',
          '~refine': [{ check: isNetwork, error: () => 'no network' }],
          wanted: 'an IP address or a network such as "10.0.0.0/8"',
        },
        wanted: 'a list of IP addresses and networks such as "10.0.0.0/8"',
      },
    },
    required: ['kind'],
  },
} as const

function isSocketPath(path: string): boolean {
  return path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= 100
}

/** An address, or one with the length of a prefix. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/')
  if (isIP(address) === 0 || more.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIPv6(address) ? 128 : 32))
}

/** A browser sends its origin in lower case and without the scheme's own port: another spelling would never match. */
function isOrigin(origin: string): boolean {
  // Pages without a host: of sandboxes and some apps, and of files.
  if (['*', 'null', 'file://'].includes(origin)) return true
  if (!SCHEME_AND_HOST.test(origin)) return false
  if (!origin.startsWith('http:') && !origin.startsWith('https:')) return true
  return URL.canParse(origin) && new URL(origin).origin === origin
}

/** Where the hub can be reached, and by whom. */
export const LISTENERS_OPTIONS = [
  {
    key: 'host',
    schema: HOST,
    default: 'localhost',
    summary:
      'Address that the hub listens on. localhost (127.0.0.1 and ::1, one port on both) can be reached from this machine only; 0.0.0.0 (IPv4) and :: (also IPv6) from everywhere.',
    needsRestart: false,
    isEveryday: true,
  },
  {
    key: 'port',
    schema: PORT,
    default: 1883,
    summary: 'TCP port for MQTT. Change it when another program uses the port; 0 takes any free port.',
    needsRestart: false,
    isEveryday: true,
  },
  {
    key: 'httpPort',
    schema: PORT,
    default: 8080,
    summary: 'TCP port for HTTP and for MQTT over WebSocket at /mqtt; 0 takes any free port.',
    needsRestart: false,
    isEveryday: true,
  },
  {
    key: 'listeners',
    schema: LISTENERS,
    default: [],
    summary:
      'All places where the hub listens, in place of port and httpPort: MQTT over TCP (mqtt), TLS (mqtts) or a Unix socket (unix), and HTTP with MQTT over WebSocket (http, https). docs/security.md explains the fields.',
    needsRestart: false,
  },
  {
    key: 'allowAnonymous',
    schema: BOOLEAN,
    default: false,
    summary:
      'Lets anyone who can reach the hub use it while there are no users. Without this and without users the hub listens only on addresses that only this machine can reach, and where client certificates are required. Once there are users it has no effect: rules say what the anonymous may do.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'websocket.origins',
    schema: ORIGINS,
    default: [],
    summary:
      'Origins of web pages that may use the hub from a browser, over WebSocket and HTTP, such as https://app.example.org. The public origin of a reverse proxy belongs here too. Pages from the hub\'s own address are always allowed; "*" allows all.',
    needsRestart: true,
  },
  {
    key: 'websocket.pingSeconds',
    schema: orOff(number(1, 3600)),
    default: 30,
    summary:
      'How often a WebSocket client is pinged, so that proxies keep the connection and dead connections are found. Lower it when a proxy closes idle connections sooner. null turns pings off.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
