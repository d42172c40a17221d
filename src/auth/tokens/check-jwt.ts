import type { Config } from '../../config/config.ts'
import type { Problems } from '../../config/problems.ts'
import { keyUrlFault } from './key-source.ts'

/** What is wrong with the options for tokens that no row of them can say. */
export function checkJwt({ jwt: { key, audience } }: Config, problems: Pick<Problems, 'add'>): void {
  if (key === null) return
  if (audience === null) {
    problems.add(
      'jwt.key',
      'jwt.audience is required with it: what tokens for this hub say in "aud"; else one for any other program would do',
    )
  }
  const fault = keyUrlFault(key)
  if (fault !== undefined) problems.add('jwt.key', `it ${fault}`)
}
