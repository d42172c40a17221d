import { isIP } from 'node:net'
import type { Option } from '../option.ts'
import { BOOLEAN, number, orOff, whole } from '../schema.ts'

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
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'port',
    schema: PORT,
    default: 1883,
    summary: 'TCP port for MQTT. Change it when another program uses the port; 0 takes any free port.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'httpPort',
    schema: PORT,
    default: 8080,
    summary: 'TCP port for HTTP and for MQTT over WebSocket at /mqtt; 0 takes any free port.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'allowAnonymous',
    schema: BOOLEAN,
    default: false,
    summary:
      'Lets anyone who can reach the hub use it. There are no users yet, so without this the hub listens only on addresses that only this machine can reach.',
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
