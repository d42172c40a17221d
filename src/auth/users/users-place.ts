import { join, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'

const DEFAULT_NAME = 'users.ndjson'

/** Where a users file is, and how people know it. */
export interface UsersPlace {
  readonly path: string
  readonly name: string
}

/** Where the users file is, or would be; undefined: data is only in memory, and no file is named. */
export function usersPlace({ data, users }: Pick<Config, 'data' | 'users'>): UsersPlace | undefined {
  if (users.file !== null) return { path: resolve(users.file), name: users.file }
  if (data === 'memory') return undefined
  return { path: join(resolve(data), DEFAULT_NAME), name: join(data, DEFAULT_NAME) }
}
