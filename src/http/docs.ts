import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

export interface DocsOptions {
  readonly version: string
  readonly basePath: string
  /** Where the page is, below the base path. */
  readonly pagePath: string
  /** Where the document is. */
  readonly documentPath: string
  /** The routes that are described; none of them is ever asked. */
  readonly addRoutes: (app: FastifyInstance) => void
}

/** Makes of `app`, which listens nowhere, what answers for the OpenAPI document and the page that shows it. */
export async function describeApi(app: FastifyInstance, options: DocsOptions): Promise<void> {
  const { version, basePath, pagePath, documentPath, addRoutes } = options
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hubbub',
        version,
        description:
          'What the hub knows and no MQTT client can. Errors are problem documents (RFC 9457); lists come in pages, each with a cursor behind it.',
      },
      servers: [{ url: basePath === '' ? '/' : basePath }],
    },
  })
  await app.register(
    async (root) => {
      await root.register(swaggerUi, {
        routePrefix: pagePath,
        staticCSP: true,
        uiConfig: { tryItOutEnabled: true, deepLinking: true },
      })
      addRoutes(root)
      root.get(documentPath, { schema: { hide: true } }, (_request, reply) =>
        reply.header('Cache-Control', 'no-store').send(app.swagger()),
      )
    },
    { prefix: basePath },
  )
  await app.ready()
}
