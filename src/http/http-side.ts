import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { randomBytes } from 'node:crypto'
import { type Server, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import fastifyCompress, { type FastifyCompressOptions } from '@fastify/compress'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { MemoryAccount } from '../base/memory-account.ts'
import { formatAddress } from '../base/addresses.ts'
import { connectionPeer } from '../listeners/http-peer.ts'
import type { Log } from '../base/log.ts'
import { foreignToHttp, MISHAPS } from '../observe/mishap-kinds.ts'
import { auditRequests } from './audited.ts'
import { compileWhenAsked } from './compilers.ts'
import { auditRoute } from './routes/audit.ts'
import { accessRoutes } from './routes/access.ts'
import { clientRoutes } from './routes/clients.ts'
import { explainAccessRoute } from './routes/explain-access.ts'
import { explainRoute } from './routes/explain.ts'
import { feedRoute } from './routes/feed.ts'
import { healthRoutes, type Scrape } from './routes/health.ts'
import { MAX_BODY_BYTES, readJsonBodies } from './json-bodies.ts'
import { messageRoutes } from './routes/messages.ts'
import { configRoute } from './routes/config.ts'
import { mishapsRoute } from './routes/mishaps.ts'
import { overviewRoute } from './routes/overview.ts'
import type { Api, ApiParts } from './parts.ts'
import { HttpProblem, problemOf, problemOfParser } from './problem.ts'
import { publishRoutes } from './routes/publish.ts'
import { retainedRoutes } from './routes/retained.ts'
import { guardAgainstOtherSites, guardApiAgainstOtherSites } from './safety.ts'
import { greet } from './greeting.ts'
import { requireRoles } from './roles.ts'
import { PROBLEM_TYPE } from './schemas/route.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { sessionRoutes } from './routes/session.ts'
import { userRoutes } from './routes/users.ts'
import { topicRoutes } from './routes/topics.ts'

export interface HttpSideOptions extends ApiParts {
  /** Its requests are answered; whoever made it starts and stops it. */
  readonly server: Server
  readonly log: Log
  readonly scrape: Scrape
  /** Counts bodies that have not been answered. */
  readonly unfinished: MemoryAccount
  /** '' or a path that everything is below: `/hub`. */
  readonly basePath: string
  /** Origins of pages that may use it besides its own; `*` is all. */
  readonly origins: readonly string[]
  /** The folder of the dashboard; undefined: it is switched off. */
  readonly pages: string | undefined
}

/** A client identifier in a path, with all its 65,535 bytes escaped. */
const MAX_PARAMETER_CHARACTERS = 3 * 65_535
/** JSON over 1 kB is compressed, off the event loop, by what is fast: it is made anew for each answer. */
const COMPRESSION: FastifyCompressOptions = {
  threshold: 1024,
  encodings: ['gzip', 'identity'],
  customTypes: /json/,
  // Of requests nothing is unpacked: a few bytes could become very many.
  globalDecompression: false,
}
const VERSION_PATH = '/api/v1'
const DOCS_PATH = '/api/docs'
const DOCUMENT_PATH = `${VERSION_PATH}/openapi.json`

/** What the hub serves over HTTP besides MQTT: the API, its documentation, metrics and the dashboard. */
export class HttpSide {
  readonly #options: HttpSideOptions
  readonly #app: FastifyInstance
  #docs: Promise<FastifyInstance> | undefined = undefined

  constructor(options: HttpSideOptions) {
    this.#options = options
    const { server } = options
    this.#app = fastify({
      serverFactory: (handler) => {
        server.on('request', (request, response) => {
          const before = LOOP_TIMES.enter(LoopPart.HTTP)
          handler(request, response)
          LOOP_TIMES.leave(before)
        })
        return server
      },
      bodyLimit: MAX_BODY_BYTES,
      routerOptions: { maxParamLength: MAX_PARAMETER_CHARACTERS },
      // The hub's own limits on time and size are the server's.
      forceCloseConnections: false,
      // Any key is JSON. What is read is never copied key by key into another object.
      onProtoPoisoning: 'ignore',
      onConstructorPoisoning: 'ignore',
      frameworkErrors: (error, request, reply) => {
        const problem = new HttpProblem('path-invalid', error.message)
        reply.raw.writeHead(problem.status, { 'Content-Type': PROBLEM_TYPE })
        reply.raw.end(JSON.stringify(problem.document(request.url)))
      },
      clientErrorHandler: answerWhatIsNoRequest,
    })
  }

  async start(): Promise<void> {
    const app = this.#app
    const { basePath, origins, admin, log, pages, server, callers } = this.#options
    // Before fastify's own, which closes the socket.
    server.prependListener('clientError', (error: Error & { rawPacket?: Buffer }, socket: Socket) => {
      const kind = error.rawPacket === undefined ? undefined : foreignToHttp(error.rawPacket)
      if (kind === undefined) return
      const { host, port } = connectionPeer(socket)
      const address = formatAddress(host, port)
      admin.mishaps.note(kind, address, MISHAPS[kind])
      log.info({ address, reason: MISHAPS[kind] }, 'connection closed')
    })
    this.#prepare(app)
    requireRoles(app)
    readJsonBodies(app, this.#options.unfinished)
    guardAgainstOtherSites(app, origins, basePath)
    app.addHook('onRequest', (request, reply) => callers.admit(request, reply))
    auditRequests(app, this.#options)
    await app.register(
      async (root) => {
        this.#addRoutes(root)
        for (const path of [DOCS_PATH, `${DOCS_PATH}/*`]) {
          root.get(path, { config: { role: 'viewer', isPage: true } }, (request, reply) =>
            this.#answerByDocs(request, reply),
          )
        }
        root.get(DOCUMENT_PATH, { config: { role: 'viewer' } }, (request, reply) => this.#answerByDocs(request, reply))
        if (pages === undefined) greet(root)
        else {
          const { staticSide } = await import('./static-side.ts')
          await staticSide(root, pages)
        }
      },
      { prefix: basePath },
    )
    await app.ready()
  }

  /** Ends what is open: feeds at once, other requests when they are answered. */
  async stop(): Promise<void> {
    await this.#app.close()
    await (await this.#docs)?.close()
  }

  /** What every answer has, whoever gives it. */
  #prepare(app: FastifyInstance): void {
    compileWhenAsked(app)
    app.removeContentTypeParser('text/plain')
    this.#answerErrors(app)
    setSecurityHeaders(app, `${this.#options.basePath}${DOCS_PATH}`)
  }

  #addRoutes(root: FastifyInstance): void {
    const options = this.#options
    root.register(
      async (scope) => {
        const api: Api = scope.withTypeProvider<TypeBoxTypeProvider>()
        guardApiAgainstOtherSites(scope, options.origins)
        // Routes that are added before it is there are not compressed.
        await scope.register(fastifyCompress, COMPRESSION)
        api.addHook('onSend', (_request, reply, payload, next) => {
          reply.header('Cache-Control', 'no-store')
          next(null, payload)
        })
        clientRoutes(api, options)
        topicRoutes(api, options)
        messageRoutes(api, options)
        retainedRoutes(api, options)
        publishRoutes(api, options)
        feedRoute(api, options)
        explainRoute(api, options)
        explainAccessRoute(api, options)
        overviewRoute(api, options)
        sessionRoutes(api, options)
        accessRoutes(api, options)
        auditRoute(api, options)
        userRoutes(api, options)
        mishapsRoute(api, options)
        configRoute(api, options)
      },
      { prefix: VERSION_PATH },
    )
    healthRoutes(root, options.admin.status, options.scrape)
  }

  /** Has the documentation answer, which is made when it is asked for first. */
  async #answerByDocs({ raw }: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#docs ??= this.#createDocs()
    const docs = await this.#docs
    reply.hijack()
    docs.routing(raw, reply.raw)
  }

  async #createDocs(): Promise<FastifyInstance> {
    const { describeApi } = await import('./docs.ts')
    const docs = fastify()
    this.#prepare(docs)
    await describeApi(docs, {
      version: this.#options.admin.status.version,
      basePath: this.#options.basePath,
      pagePath: DOCS_PATH,
      documentPath: DOCUMENT_PATH,
      addRoutes: (root) => this.#addRoutes(root),
    })
    return docs
  }

  #answerErrors(app: FastifyInstance): void {
    const { log } = this.#options
    app.setErrorHandler((error, request, reply) => {
      const problem = problemOf(error, (context) => inputOf(request, context)) ?? this.#bug(error, request)
      if (problem.status === 413 || problem.status === 415) reply.header('Connection', 'close')
      return reply.code(problem.status).type(PROBLEM_TYPE).send(problem.document(request.url))
    })
    app.setNotFoundHandler((request, reply) => {
      const problem = new HttpProblem('not-found', `The hub has nothing at ${request.method} ${request.url}.`)
      log.debug({ method: request.method, url: request.url }, 'HTTP request for an unknown path')
      return reply.code(problem.status).type(PROBLEM_TYPE).send(problem.document(request.url))
    })
  }

  #bug(error: unknown, request: FastifyRequest): HttpProblem {
    const id = randomBytes(4).toString('hex')
    this.#options.log.error({ err: error, method: request.method, url: request.url, id }, 'an HTTP request failed')
    return new HttpProblem('internal', `It is in the hub's log as ${id}.`)
  }
}

/** Ends a connection whose bytes are no request of HTTP, with an answer as all others are. */
function answerWhatIsNoRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  // What has begun to be answered cannot be answered again.
  const isAnswered = socket instanceof Socket && socket.bytesWritten > 0
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered) {
    socket.destroy(error)
    return
  }
  const problem = problemOfParser(error.code)
  const body = JSON.stringify(problem.document(''))
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function inputOf({ query, params, body, headers }: FastifyRequest, context: string): unknown {
  return { querystring: query, params, body, headers }[context]
}
