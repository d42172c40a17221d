import swagger, { type SwaggerTransformObject } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { FEED_SCHEMAS } from './schemas/feed.ts'

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
          'What the hub knows and an MQTT client cannot ask for. Errors are problem documents (RFC 9457). Lists come in pages; each page has a cursor for the next.',
      },
      servers: [{ url: basePath === '' ? '/' : basePath }],
    },
    transformObject: finish,
    transform: ({ schema, url, route }) => ({ url, schema: { ...schema, 'x-role': route.config?.role } }),
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

/** Adds what no route names, the data of events, and writes tuples as JSON Schema 2020-12 has them: routes are checked by draft 7. */
function finish(made: Parameters<SwaggerTransformObject>[0]): ReturnType<SwaggerTransformObject> {
  const document = 'openapiObject' in made ? made.openapiObject : made.swaggerObject
  const whole = JSON.stringify({ ...document, components: { schemas: FEED_SCHEMAS } })
  const finished: ReturnType<SwaggerTransformObject> = JSON.parse(whole, (name, value: unknown) => {
    if (name === 'additionalItems') return undefined
    const isTuple = typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items)
    return isTuple ? { ...value, prefixItems: value.items, items: false } : value
  })
  return finished
}
