import { checkAccess } from '../auth/rules/read-access.ts'
import { checkJwt } from '../auth/tokens/check-jwt.ts'
import type { ConfigCheck } from '../config/complete.ts'

/** What the parts of a hub have to say of a configuration before it is used. */
export const CONFIG_CHECKS: readonly ConfigCheck[] = [checkAccess, checkJwt]
