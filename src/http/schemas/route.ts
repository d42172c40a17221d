import { type TObject, type TProperties, type TSchema, Type } from 'typebox'
import type { Role } from '../../auth/identity.ts'

const ParameterFault = Type.Object({
  parameter: Type.String(),
  value: Type.Optional(Type.String()),
  reason: Type.String(),
})

/** A problem document [RFC 9457]. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  instance: Type.String(),
  errors: Type.Optional(Type.Array(ParameterFault)),
})

export const PROBLEM_TYPE = 'application/problem+json'

/** What a route takes and answers, as the hub checks it and its OpenAPI document says it. */
export interface RouteSchema {
  readonly summary: string
  readonly tags: readonly string[]
  readonly params?: TObject
  readonly querystring?: TObject
  readonly body?: TSchema
  readonly response: Readonly<Record<number | string, object>>
}

/** Who may ask a route: those of a role and of the roles above it; `open` is everybody. */
export type RouteRole = Role | 'open'

/** A route without its handler. */
export interface RouteRow {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the API's own path, parameters with a colon: `/clients/:clientId`. */
  readonly url: string
  readonly schema: RouteSchema
  readonly config: { readonly role: RouteRole }
}

export function route<M extends RouteRow['method'], U extends string, S extends RouteSchema>(
  method: M,
  url: U,
  role: RouteRole,
  schema: S,
): { readonly method: M; readonly url: U; readonly schema: S; readonly config: { readonly role: RouteRole } } {
  return { method, url, schema, config: { role } }
}

/** What a request may give, and nothing else. What has a default may be left out: a handler has it always. */
export function takes<P extends TProperties>(properties: P): TObject<P> {
  const required = Object.entries(properties).filter(([, one]) => !Type.IsOptional(one) && !('default' in one))
  return Type.Object(properties, { additionalProperties: false, required: required.map(([name]) => name) })
}

/** What is meant when a request leaves it out. */
export function withDefault<T extends TSchema, D>(schema: T, value: D): T & { readonly default: D } {
  return Object.assign(schema, { default: value })
}

const ProblemAnswer = { description: 'What is wrong.', content: { [PROBLEM_TYPE]: { schema: Problem } } }

/** What any route may answer when something is wrong. */
export const PROBLEMS = { '4xx': ProblemAnswer, '5xx': ProblemAnswer }

/** What a route answers, with the problems that any may have. */
export function answers<T>(description: string, schema: T): { 200: T } & typeof PROBLEMS {
  return { 200: { description, ...schema }, ...PROBLEMS }
}

/** What a route answers that has nothing to tell but that it is done. */
export function answersNothing() {
  return { 204: { description: 'It is done.', type: 'null' }, ...PROBLEMS }
}
