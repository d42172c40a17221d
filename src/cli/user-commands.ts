import { dirname } from 'node:path'
import { makeFolder } from '../base/folders.ts'
import { HubbubError } from '../base/errors.ts'
import { closest, didYouMean } from '../base/closest.ts'
import { ROLES, type Role } from '../auth/identity.ts'
import { PasswordHasher } from '../auth/passwords/password-hasher.ts'
import { readOwnRules } from '../auth/users/own-rules.ts'
import type { User } from '../auth/users/user.ts'
import { type NewCredential, UserChanges } from '../auth/users/user-changes.ts'
import { UsersFile } from '../auth/users/users-file.ts'
import { usersPlace } from '../auth/users/users-place.ts'
import { askPassword } from './ask-password.ts'
import type { CommandCall } from './command.ts'

const DAY_MS = 86_400_000
const DEFAULT_TOKEN_DAYS = 90
const MAX_TOKEN_DAYS = 3650

/** Adds a person with a password, or a device with a secret or a certificate. */
export async function addUser(call: CommandCall): Promise<string> {
  const { operand: name, flags } = call
  const role = readRole('user add', flags)
  const settings = {
    ...(role !== undefined && { role }),
    groups: listOf(flags.get('group')),
    rules: rulesOf(flags),
    note: flags.get('note') ?? '',
  }
  return withChanges('user add', call, async (changes) => {
    await changes.checkNew(name)
    const credential = await credentialOf(name, flags)
    const { user, secret, isFirst } = await changes.add(name, credential, settings)
    if (flags.has('json')) return json({ ...shown(user), secret, isFirst })
    return addedText(user, secret, isFirst, credential)
  })
}

async function credentialOf(name: string, flags: CommandCall['flags']): Promise<NewCredential> {
  if (flags.has('certificate')) return 'none'
  return flags.has('device') ? 'secret' : { password: await askPassword(name) }
}

function addedText(
  { name, role }: User,
  secret: string | undefined,
  isFirst: boolean,
  credential: NewCredential,
): string {
  const as = role === undefined ? '' : ` with the role ${role}`
  const lines = [`Added ${name}${as}.`]
  if (isFirst && role === 'admin') lines.push('The first user with a password is an admin: it may do everything.')
  if (isFirst) lines.push('From now on nobody gets in without a user name, unless a rule is for the anonymous.')
  if (isFirst && role !== 'admin') lines.push('There is no admin yet: add one with "hubbub user add NAME".')
  if (secret !== undefined) lines.push(...secretLines(name, secret))
  if (credential === 'none') lines.push(`It comes with a client certificate that has the name ${name}.`)
  return `${lines.join('\n')}\n`
}

function secretLines(name: string, secret: string): string[] {
  return [
    'This is its secret. It is shown this once:',
    '',
    `  ${secret}`,
    '',
    'Try it, on a line that the shell does not keep (with a space before it, in most shells):',
    `  mosquitto_pub -u '${name.replaceAll("'", "'\\''")}' -P '${secret}' -t hello -m Hi`,
  ]
}

/** Removes a user. */
export async function removeUser(call: CommandCall): Promise<string> {
  const { operand: name, flags } = call
  return withChanges('user remove', call, async (changes) => {
    await changes.remove(name, flags.has('force'))
    return flags.has('json') ? json({ removed: name }) : `Removed ${name}. Its connections end.\n`
  })
}

/** Lists the users, without anything that is secret. */
export async function listUsers(call: CommandCall): Promise<string> {
  return withChanges('user list', call, async (_, file) => {
    const { users } = await file.read()
    if (call.flags.has('json')) return json(Array.from(users.values(), shown))
    if (users.size === 0) return 'There are no users. Add the first, an admin, with "hubbub user add NAME".\n'
    const rows = Array.from(users.values(), (user) => [
      user.name,
      user.role ?? 'device',
      user.groups.join(', '),
      credentialText(user),
      user.note,
    ])
    return table([['Name', 'Role', 'Groups', 'Comes with', 'Note'], ...rows])
  })
}

function credentialText({ password, secretSha256, tokens }: User): string {
  const own = password !== undefined ? 'password' : secretSha256 !== undefined ? 'secret' : 'certificate'
  const { length } = tokens
  return length === 0 ? own : `${own}, ${length} token${length === 1 ? '' : 's'}`
}

/** Gives a user another password, or a device another secret. */
export async function setPassword(call: CommandCall): Promise<string> {
  const { operand: name, flags } = call
  return withChanges('user passwd', call, async (changes) => {
    const { secretSha256 } = await changes.find(name)
    if (flags.has('device') || secretSha256 !== undefined) {
      const secret = await changes.newSecret(name)
      if (flags.has('json')) return json({ user: name, secret })
      return `${[`${name} has another secret. Connections with the old one end.`, ...secretLines(name, secret)].join('\n')}\n`
    }
    await changes.setPassword(name, await askPassword(name))
    if (flags.has('json')) return json({ user: name })
    return `${name} has another password. Connections and sessions with the old one end.\n`
  })
}

/** Makes a token for the API, or withdraws one. */
export async function userToken(call: CommandCall): Promise<string> {
  const { operand: name, flags } = call
  const removed = flags.get('remove')
  const role = readRole('user token', flags) ?? 'viewer'
  const days = daysOf(flags.get('days'))
  const expiresAtMs = Date.now() + days * DAY_MS
  return withChanges('user token', call, async (changes) => {
    if (removed !== undefined) {
      await changes.removeToken(name, removed)
      return flags.has('json') ? json({ removed }) : `Withdrew the token ${removed} of ${name}.\n`
    }
    const note = flags.get('note') ?? ''
    const { id, token } = await changes.addToken(name, { expiresAtMs, role, rules: rulesOf(flags), note })
    const expires = new Date(expiresAtMs).toISOString()
    if (flags.has('json')) return json({ user: name, id, token, role, expires })
    return `${[
      `This is a token of ${name} with the role ${role} at most, until ${expires.slice(0, 10)}. It is shown this once:`,
      '',
      `  ${token}`,
      '',
      'Send it as "Authorization: Bearer TOKEN". Withdraw it with:',
      `  hubbub user token ${name} --remove ${id}`,
    ].join('\n')}\n`
  })
}

function daysOf(text: string | undefined): number {
  const days = text === undefined ? DEFAULT_TOKEN_DAYS : Number(text)
  if (Number.isInteger(days) && days >= 1 && days <= MAX_TOKEN_DAYS) return days
  throw new HubbubError(
    'COMMAND_INVALID',
    `Cannot run "user token": --days must be a whole number from 1 to ${MAX_TOKEN_DAYS}, it is ${JSON.stringify(text)}`,
  )
}

async function withChanges(
  command: string,
  { loadConfig }: CommandCall,
  work: (changes: UserChanges, file: UsersFile) => Promise<string>,
): Promise<string> {
  const place = usersPlace((await loadConfig()).config)
  if (place === undefined) {
    const what = 'a users file is required, data is "memory" and users.file is not set'
    throw new HubbubError('COMMAND_INVALID', `Cannot run "${command}": ${what}; name one with --users-file`)
  }
  makeFolder(dirname(place.path))
  const file = new UsersFile({ ...place, readRules: readOwnRules })
  const hasher = new PasswordHasher()
  try {
    return await work(new UserChanges({ file, hasher, nowMs: () => Date.now() }), file)
  } finally {
    await hasher.close()
  }
}

function readRole(command: string, flags: CommandCall['flags']): Role | undefined {
  const text = flags.get('role')
  const role = ROLES.find((known) => known === text)
  if (text === undefined || role !== undefined) return role
  const hint = didYouMean(closest(text, ROLES))
  throw new HubbubError(
    'COMMAND_INVALID',
    `Cannot run "${command}": --role must be ${ROLES.join(', ')}, it is ${JSON.stringify(text)}${hint}`,
  )
}

function listOf(text = ''): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function rulesOf(flags: CommandCall['flags']): string[] {
  const text = flags.get('rules')
  return text === undefined ? [] : [text]
}

/** What may be known of a user. */
function shown({
  name,
  role,
  groups,
  password,
  secretSha256,
  rules,
  tokens,
  note,
  addedAtMs,
  changedAtMs,
}: User): object {
  return {
    user: name,
    role: role ?? null,
    groups,
    hasPassword: password !== undefined,
    hasSecret: secretSha256 !== undefined,
    rules,
    tokens: tokens.map(({ id, role: most, note: what, madeAtMs, expiresAtMs }) => ({
      id,
      role: most ?? null,
      note: what,
      made: timeText(madeAtMs),
      expires: timeText(expiresAtMs),
    })),
    note,
    added: timeText(addedAtMs),
    changed: timeText(changedAtMs),
  }
}

function timeText(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}
