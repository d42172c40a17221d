import { Ajv } from 'ajv'
import fastJsonStringify from 'fast-json-stringify'
import type { FastifyInstance } from 'fastify'

/**
 * Has `app` compile the schema of a parameter or an answer when a request first needs it. Fastify would compile all of them
 * at the start, with the same two packages, which takes longer than all else that a hub does to start.
 */
export function compileWhenAsked(app: FastifyInstance): void {
  const ajv = once(() => new Ajv({ coerceTypes: true, useDefaults: true, addUsedSchema: false }))

  app.setValidatorCompiler(({ schema }) => {
    const validator = once(() => ajv().compile(schema))
    return (input) => {
      const validate = validator()
      return validate(input) ? true : { error: validate.errors ?? [] }
    }
  })
  app.setSerializerCompiler(({ schema }) => {
    const serializer = once(() => fastJsonStringify(schema))
    return (answer) => serializer()(answer)
  })
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
