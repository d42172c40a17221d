import { join, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'

const DEFAULT_NAME = 'users.ndjson'

/** Where a users file is, and how people know it. */
export interface UsersPlace {
  readonly path: string
  readonly name: string
}

/** Where the users file is, or would be; undefined: data is only in memory, no file is named, and users come from nowhere else. */
export function usersPlace({ data, users, jwt }: Pick<Config, 'data' | 'users' | 'jwt'>): UsersPlace | undefined {
  if (users.file !== null) return { path: resolve(users.file), name: users.file }
  if (data === 'memory') {
    const hasOthers = users.passwordFile !== null || jwt.key !== null
    return hasOthers ? { path: resolve(DEFAULT_NAME), name: DEFAULT_NAME } : undefined
  }
  return { path: join(resolve(data), DEFAULT_NAME), name: join(data, DEFAULT_NAME) }
}
