import type { Option } from './option.ts'
import { ACCESS_OPTIONS } from './options/access.ts'
import { HISTORY_OPTIONS } from './options/history.ts'
import { HTTP_OPTIONS } from './options/http.ts'
import { LIMITS_OPTIONS } from './options/limits.ts'
import { LISTENERS_OPTIONS } from './options/listeners.ts'
import { OBSERVE_OPTIONS } from './options/observe.ts'
import { SESSIONS_OPTIONS } from './options/sessions.ts'
import { STORE_OPTIONS } from './options/store.ts'
import { USERS_OPTIONS } from './options/users.ts'

/** Every option of the hub, in the order in which people read about them. Nothing else says what can be configured. */
export const OPTIONS = [
  ...LISTENERS_OPTIONS,
  ...HTTP_OPTIONS,
  ...USERS_OPTIONS,
  ...ACCESS_OPTIONS,
  ...STORE_OPTIONS,
  ...OBSERVE_OPTIONS,
  ...SESSIONS_OPTIONS,
  ...LIMITS_OPTIONS,
  ...HISTORY_OPTIONS,
] as const satisfies readonly Option[]

const OPTION_BY_KEY: ReadonlyMap<string, Option> = new Map(
  OPTIONS.map((option): [string, Option] => [option.key, option]),
)

/** Finds an option by its dotted key. */
export function findOption(key: string): Option | undefined {
  return OPTION_BY_KEY.get(key)
}

/** The names before the dots: `limits`, `websocket`. */
export const SECTIONS: ReadonlySet<string> = new Set(
  OPTIONS.filter((option) => option.key.includes('.')).map((option) => option.key.slice(0, option.key.indexOf('.'))),
)
