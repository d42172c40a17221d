import type { Option } from './option.ts'

/** What is served over HTTP; part of `OPTIONS`. */
export const HTTP_OPTIONS = [
  {
    key: 'http.basePath',
    kind: 'path',
    default: '/',
    summary:
      'Path in front of all pages, the API and the WebSocket, such as /hub. Set it when a reverse proxy passes requests on with such a path; a proxy that removes the path needs nothing here.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
