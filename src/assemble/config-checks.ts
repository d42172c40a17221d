import { readFileSync } from 'node:fs'
import { checkAccess } from '../auth/rules/read-access.ts'
import { checkJwt } from '../auth/tokens/check-jwt.ts'
import { usersPlace } from '../auth/users/users-place.ts'
import type { ConfigJudges } from '../config/complete.ts'
import type { Config } from '../config/config.ts'

/** What the parts of a hub have to say of a configuration before it is used. */
export const CONFIG_JUDGES: ConfigJudges = { checks: [checkAccess, checkJwt], hasUsers }

/** A look at the file: who is in it is found out when the hub starts. */
function hasUsers(config: Config): boolean {
  if (config.users.passwordFile !== null || config.jwt.key !== null) return true
  const place = usersPlace(config)
  if (place === undefined) return false
  try {
    return /^\s*[^#\s]/m.test(readFileSync(place.path, 'utf8'))
  } catch {
    return false
  }
}
