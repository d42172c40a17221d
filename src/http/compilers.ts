import { Ajv } from 'ajv'
import fastJsonStringify from 'fast-json-stringify'
import type { FastifyInstance } from 'fastify'

type Validate = ReturnType<Ajv['compile']>
type Serialize = ReturnType<typeof fastJsonStringify>

/** What was compiled of each schema, shared by all hubs of a process: the schemas are constants of their modules. */
const validators = new WeakMap<object, Validate>()
const serializers = new WeakMap<object, Serialize>()
const ajv = new Ajv({ coerceTypes: true, useDefaults: true, addUsedSchema: false })

/**
 * Has `app` compile the schema of a parameter or an answer when a request first needs it. Fastify would compile all of them
 * at the start, with the same two packages, which takes longer than all else that a hub does to start.
 */
export function compileWhenAsked(app: FastifyInstance): void {
  app.setValidatorCompiler(({ schema }) => (input) => {
    const validate = compiledOf(validators, schema, () => ajv.compile(schema))
    return validate(input) ? true : { error: validate.errors ?? [] }
  })
  app.setSerializerCompiler(
    ({ schema }) =>
      (answer) =>
        jsonOf(schema, answer),
  )
}

/** A value as JSON, as its schema has it: nothing that is not in it. */
export function jsonOf(schema: object, value: unknown): string {
  return compiledOf(serializers, schema, () => fastJsonStringify(schema))(value)
}

function compiledOf<T>(compiled: WeakMap<object, T>, schema: object, compile: () => T): T {
  let made = compiled.get(schema)
  if (made === undefined) compiled.set(schema, (made = compile()))
  return made
}
