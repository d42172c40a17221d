import type { Gate } from '../auth/gate.ts'
import { PasswordHasher } from '../auth/passwords/password-hasher.ts'
import { AccessRules } from '../auth/rules/access-rules.ts'
import { readAccess } from '../auth/rules/read-access.ts'
import { createJwt } from '../auth/tokens/create-jwt.ts'
import { readOwnRules } from '../auth/users/own-rules.ts'
import { PasswordFile } from '../auth/users/password-file.ts'
import { Users } from '../auth/users/users.ts'
import { UsersFile } from '../auth/users/users-file.ts'
import { usersPlace } from '../auth/users/users-place.ts'
import type { Clock } from '../base/clock.ts'
import { HubbubError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Stage } from '../base/stages.ts'
import type { Config } from '../config/config.ts'
import { asksForCertificates, isPrivate, listenersOf } from '../config/listener-settings.ts'
import { HUB_ITSELF, type Mishaps } from '../observe/mishaps.ts'
import { resolve } from 'node:path'

interface PeopleParts {
  readonly gate: Gate
  readonly log: Log
  readonly clock: Clock
  readonly mishaps: Mishaps
}

/** Who may do what. */
export interface People {
  readonly stage: Pick<Stage, 'start' | 'stop'>
  readonly users: Users
  /** Takes over other rules, which were checked, and what the files of users hold now. */
  reload(config: Config): Promise<void>
}

/**
 * Has the gate know the users of their files and the rules of the configuration. It stays open while there is no user, and the first one
 * closes it, also in a hub that runs. Undefined: there can be none, since all data is in memory and no file is named.
 */
export function assemblePeople(config: Config, { gate, log, clock, mishaps }: PeopleParts): People | undefined {
  const place = usersPlace(config)
  if (place === undefined) return undefined
  const { passwordFile } = config.users
  const hasher = new PasswordHasher()
  let access = accessOf(config, log)
  const users = new Users({
    file: new UsersFile({ ...place, readRules: readOwnRules }),
    passwordFile: passwordFile === null ? undefined : new PasswordFile(resolve(passwordFile), passwordFile),
    hasher,
    log,
    nowMs: () => clock.wallMs(),
    jwt: createJwt(config.jwt, log, () => clock.wallMs()),
    mayEnter: (identity) => !access.rules.viewOf(identity).allowsNothing,
    changed: () => apply(),
    failed: ({ message }) => mishaps.note('file-not-taken', HUB_ITSELF, message),
  })
  const apply = (): void => {
    const isClosed = !users.isEmpty || access.isOfCertificates
    if (isClosed) gate.change(users, access.rules)
    else gate.change(undefined, undefined)
  }
  const stage = {
    start: async () => {
      await users.load()
      apply()
      if (gate.isOpen) checkNobodyIsLetIn(config)
      users.watch()
    },
    stop: async () => {
      users.close()
      await hasher.close()
    },
  }
  return {
    stage,
    users,
    reload: async (changed) => {
      access = accessOf(changed, log)
      await users.reload()
      apply()
    },
  }
}

/** `isOfCertificates`: there are rules, and who comes with a certificate is somebody without any users file. */
function accessOf(config: Config, log: Log): { readonly rules: AccessRules; readonly isOfCertificates: boolean } {
  const { ruleSet, faults } = readAccess(config.access)
  for (const { place: at, what } of faults.warnings)
    log.warn({ place: at, reason: what }, 'an access rule may be wrong')
  const isOfCertificates = ruleSet.rules.length > 0 && listenersOf(config).some(takesCertificates)
  return { rules: new AccessRules(ruleSet), isOfCertificates }
}

function takesCertificates({ tls }: ReturnType<typeof listenersOf>[number]): boolean {
  return tls !== undefined && tls.clientCertificates !== 'off'
}

/** There is a file that may hold users, which has let the configuration pass, and there are none in it. */
export function checkNobodyIsLetIn(config: Config): void {
  if (config.allowAnonymous) return
  const open = listenersOf(config).find((listener) => !isPrivate(listener) && !asksForCertificates(listener))
  if (open === undefined) return
  const place = usersPlace(config)?.name ?? ''
  throw new HubbubError('LISTENER_UNSAFE', `Cannot listen on ${open.host}: there are no users in ${place}`)
}
