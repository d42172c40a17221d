import type { Option } from './option.ts'

/** What is served over HTTP; part of `OPTIONS`. */
export const HTTP_OPTIONS = [
  {
    key: 'http.basePath',
    kind: 'path',
    default: '/',
    summary:
      'Path that pages, API and WebSocket are below, such as /hub. Set it where a reverse proxy hands requests on with such a path; one that strips it needs nothing here.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
