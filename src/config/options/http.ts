import type { Option } from '../option.ts'
import { BOOLEAN, choice } from '../schema.ts'

/** The path of a URL, of characters that need no escape [RFC 3986 §2.3], with a slash at its end or without. */
const PATH = {
  type: 'string',
  pattern: '^(?=/)(/[\\w.~-]+)*/?$',
  wanted: 'a path such as "/hub", of letters, digits, "-", ".", "_" and "~"',
} as const

const PUBLIC_URL = {
  type: 'string',
  pattern: '^(https?://[\\w.-]+(:\\d+)?(/[\\w.~/-]*)?)?$',
  wanted: 'an address such as "https://hub.example.org"',
} as const

/** What is served over HTTP. */
export const HTTP_OPTIONS = [
  {
    key: 'http.enabled',
    schema: BOOLEAN,
    default: true,
    summary:
      'Serves HTTP on httpPort: the API, the dashboard, metrics, and MQTT over WebSocket. "http: false" is short for it.',
    needsRestart: true,
  },
  {
    key: 'http.basePath',
    schema: PATH,
    default: '/',
    summary:
      'Path in front of all pages, the API and the WebSocket, such as /hub. Set it when a reverse proxy passes requests on with such a path; a proxy that removes the path needs nothing here.',
    needsRestart: true,
  },
  {
    key: 'http.publicUrl',
    schema: PUBLIC_URL,
    default: '',
    summary:
      'Address by which people reach the hub through a reverse proxy, such as https://hub.example.org. Signing in needs it when that differs from the address that the hub sees itself. Empty: there is no proxy.',
    needsRestart: true,
  },
  {
    key: 'http.probes',
    schema: choice('loopback', 'everybody', 'nobody'),
    default: 'loopback',
    summary:
      'Who may ask /healthz, /readyz and /metrics without signing in, once there are users: those on this machine, everybody, or nobody. Others send a token. Set it to everybody when probes come over the network, as those of Kubernetes do.',
    needsRestart: true,
  },
  {
    key: 'dashboard.enabled',
    schema: BOOLEAN,
    default: true,
    summary: 'Serves the dashboard over HTTP. Switch it off where only the API is needed. Needs http.enabled.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
