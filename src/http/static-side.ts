import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { greet } from './greeting.ts'

/** Where pages lead to that are not of the dashboard. */
const SIGN_IN_PATH = '/sign-in'
/** Files whose name has a hash of what is in them never change. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

/** In the files there is nothing but the program: what they show comes through the API, and who has not signed in does so on the page. */
const OPEN = { role: 'open' } as const

/**
 * Serves the dashboard from `pages`. Files below `assets/` are cached forever; pages are sent again whenever they changed. A file
 * with a `.br` or `.gz` beside it is sent compressed. Without such a folder it says what the hub is.
 */
export async function staticSide(app: FastifyInstance, pages: string): Promise<void> {
  if (!existsSync(join(pages, 'index.html'))) {
    greet(app)
    return
  }
  app.addHook('onRoute', (route) => {
    route.config ??= OPEN
  })
  await app.register(fastifyStatic, {
    root: pages,
    preCompressed: true,
    // The index of @fastify/static 10.1.11 is not found by who takes br or gzip: `/` has a route of its own.
    index: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      reply.header('Cache-Control', path.includes('/assets/') ? IMMUTABLE : 'no-cache')
    },
  })
  for (const path of ['/', SIGN_IN_PATH]) app.get(path, (_request, reply) => reply.sendFile('index.html'))
}
