/**
 * The API in types, by method and path: what the dashboard asks by, and takes from `src` alone. They follow from the schemas by which
 * the hub checks requests, writes answers and makes its OpenAPI document. Types only: none of this runs in a page.
 */

import type { Static, TObject, TOptional, TSchema } from 'typebox'
import type * as audit from './schemas/audit.ts'
import type * as access from './schemas/access.ts'
import type * as config from './schemas/config.ts'
import type * as clients from './schemas/clients.ts'
import type * as explain from './schemas/explain.ts'
import type * as feed from './schemas/feed.ts'
import type * as messages from './schemas/messages.ts'
import type * as mishaps from './schemas/mishaps.ts'
import type * as overview from './schemas/overview.ts'
import type * as publish from './schemas/publish.ts'
import type * as retained from './schemas/retained.ts'
import type { Problem, RouteRow } from './schemas/route.ts'
import type * as session from './schemas/session.ts'
import type * as topics from './schemas/topics.ts'
import type * as users from './schemas/users.ts'

export type { FeedEntries, ShortTopicJson } from './schemas/feed.ts'

type RowOf<M> = Extract<M[keyof M], RouteRow>

type Row =
  | RowOf<typeof access>
  | RowOf<typeof audit>
  | RowOf<typeof config>
  | RowOf<typeof clients>
  | RowOf<typeof explain>
  | RowOf<typeof feed>
  | RowOf<typeof messages>
  | RowOf<typeof mishaps>
  | RowOf<typeof overview>
  | RowOf<typeof publish>
  | RowOf<typeof retained>
  | RowOf<typeof session>
  | RowOf<typeof topics>
  | RowOf<typeof users>

type Schemas = { readonly [R in Row as `${R['method']} ${R['url']}`]: R['schema'] }

/** A method and a path below `api/v1`: `GET /clients/:clientId`. */
export type Call = keyof Schemas

/** A call that answers with something when all is well. */
export type Question = { [C in Call]: Schemas[C]['response'] extends { readonly 200: TSchema } ? C : never }[Call]

/** What a call answers when all is well. */
export type Answer<C extends Question> = Schemas[C]['response'] extends { readonly 200: infer S extends TSchema }
  ? Static<S>
  : never

/** What is answered when something is wrong. */
export type ProblemJson = Static<typeof Problem>

/** What has to be given with a call: parameters of its path, its query, its body. */
export type Given<C extends Call> = GivenPart<'params', Schemas[C], 'params'> &
  GivenPart<'query', Schemas[C], 'querystring'> &
  GivenPart<'body', Schemas[C], 'body'>

/** A part that may be left out as a whole is optional itself. */
type GivenPart<Name extends string, S, Key extends string> = S extends { readonly [K in Key]: infer T }
  ? object extends Loose<T>
    ? { readonly [N in Name]?: Loose<T> }
    : { readonly [N in Name]: Loose<T> }
  : unknown

/** What a schema takes: what has a default may be left out. */
type Loose<T> =
  T extends TObject<infer P>
    ? { readonly [K in keyof P as P[K] extends MayMiss ? never : K]: Static<P[K]> } & {
        readonly [K in keyof P as P[K] extends MayMiss ? K : never]?: Static<P[K]> | undefined
      }
    : T extends TSchema
      ? Static<T>
      : never

type MayMiss = TOptional | { readonly default: unknown }
