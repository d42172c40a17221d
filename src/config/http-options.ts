import type { Option } from './option.ts'

/** What is served over HTTP; part of `OPTIONS`. */
export const HTTP_OPTIONS = [
  {
    key: 'http.enabled',
    kind: 'boolean',
    default: true,
    summary:
      'Serves HTTP on httpPort: the API, the dashboard, metrics, and MQTT over WebSocket. "http: false" is short for it.',
    needsRestart: true,
  },
  {
    key: 'http.basePath',
    kind: 'path',
    default: '/',
    summary:
      'Path in front of all pages, the API and the WebSocket, such as /hub. Set it when a reverse proxy passes requests on with such a path; a proxy that removes the path needs nothing here.',
    needsRestart: true,
  },
  {
    key: 'dashboard.enabled',
    kind: 'boolean',
    default: true,
    summary: 'Serves the dashboard over HTTP. Switch it off where only the API is wanted. Needs http.enabled.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
