import { resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { Log } from '../../base/log.ts'
import { JwtVerifier } from './jwt.ts'
import { keySource } from './key-source.ts'

/** What checks tokens, by the configuration; undefined: none are taken. `nowMs`: wall time, in ms since 1970. */
export function createJwt(
  { key, audience, ...claims }: Config['jwt'],
  log: Log,
  nowMs: () => number,
): JwtVerifier | undefined {
  if (key === null || audience === null) return undefined
  return new JwtVerifier({ audience, ...claims }, keySource(key, resolve(key), log, nowMs), nowMs)
}
