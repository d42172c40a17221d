import { randomBytes } from 'node:crypto'
import { closest, didYouMean } from '../../base/closest.ts'
import { HubbubError } from '../../base/errors.ts'
import { quote } from '../../base/quote.ts'
import { ROLES, type Role } from '../identity.ts'
import { parsePasswordHash } from '../passwords/password-hash.ts'
import { parseVerifier } from '../passwords/scram-verifier.ts'
import type { Rule } from '../rules/rule.ts'
import { lookOf, type StoredToken, type User, userNameFault } from './user.ts'

/**
 * The users file: a line that says what it is, then a line of JSON for each user, in any order. Empty lines and those that begin with
 * "#" are for people. A change replaces one line and leaves the others as they are.
 */
export interface UsersText {
  /** What the salts of unknown users are made of; undefined in a file that a person has begun. */
  readonly saltKey: string | undefined
  readonly users: ReadonlyMap<string, User>
  /** From 1. */
  readonly lineByName: ReadonlyMap<string, number>
  /** What is allowed and yet most likely a mistake. */
  readonly warnings: readonly string[]
}

/** Reads rules in the language of the rules. @throws HubbubError whose message is what is wrong, without the place */
export type ReadRules = (rules: readonly string[], file: string, line: number) => readonly Rule[]

export const HEADER = '{"hubbub":"users","version":1}'
const SALT_KEY_BYTES = 16

const MAX_FAULTS = 20
const MAX_GROUPS = 256
const MAX_RULES = 256
const MAX_TOKENS = 256
const MAX_NOTE_CHARACTERS = 1000
const SHA256 = /^[A-Za-z0-9+/]{43}=$/
const TOKEN_ID = /^[A-Za-z0-9]{1,32}$/

const USER_FIELDS = [
  'user',
  'role',
  'groups',
  'password',
  'secretSha256',
  'scram',
  'rules',
  'tokens',
  'note',
  'added',
  'changed',
]
const TOKEN_FIELDS = ['id', 'note', 'sha256', 'role', 'rules', 'made', 'expires']

/**
 * Reads a users file. `file` is its name for people.
 * @throws HubbubError `USERS_INVALID` with a line for each mistake: file, line and what is required; no secret is in it
 */
export function parseUsersText(text: string, file: string, readRules: ReadRules): UsersText {
  const faults: string[] = []
  const warnings: string[] = []
  const users = new Map<string, User>()
  const lineByName = new Map<string, number>()
  const nameByLook = new Map<string, string>()
  const lines = text.split('\n')
  const headerIndex = lines.findIndex(isContent)
  const header = readHeader(lines[headerIndex] ?? '')
  if (headerIndex === -1) faults.push(`${file}: it must begin with the line ${HEADER}, it is empty`)
  else if (header === undefined) {
    faults.push(`${file}:${headerIndex + 1}: the first line must be ${HEADER}, it is another`)
  }
  for (const [index, line] of lines.entries()) {
    if (index <= headerIndex || !isContent(line) || faults.length > MAX_FAULTS) continue
    const place = `${file}:${index + 1}`
    try {
      const user = new LineReader(line, (rules) => readRules(rules, file, index + 1)).user()
      const other = lineByName.get(user.name)
      if (other !== undefined)
        throw wrong(`a user may stand here once, ${quote(user.name)} is in line ${other} already`)
      users.set(user.name, user)
      lineByName.set(user.name, index + 1)
      const look = lookOf(user.name)
      const twin = nameByLook.get(look)
      if (twin === undefined) nameByLook.set(look, user.name)
      else warnings.push(`${place}: ${quote(user.name)} looks like ${quote(twin)} in line ${lineByName.get(twin)}`)
    } catch (error) {
      if (!(error instanceof HubbubError)) throw error
      faults.push(`${place}: ${error.message}`)
    }
  }
  if (faults.length === 0) return { saltKey: header?.saltKey, users, lineByName, warnings }
  const told = faults.slice(0, MAX_FAULTS).map((fault) => `Cannot use ${fault}`)
  if (faults.length > MAX_FAULTS) told.push(`Cannot use ${file}: there are more mistakes than these`)
  throw new HubbubError('USERS_INVALID', told.join('\n'))
}

/** The text with a user in it, in place of the line that the user had. */
export function withUser(text: string, { lineByName }: UsersText, user: User): string {
  return withLine(text, lineByName.get(user.name), formatUser(user))
}

/** The text without the line of a user. */
export function withoutUser(text: string, { lineByName }: UsersText, name: string): string {
  return withLine(text, lineByName.get(name), undefined)
}

function withLine(text: string, number: number | undefined, line: string | undefined): string {
  const lines = (text === '' ? newHeader() : text.replace(/\n+$/, '')).split('\n')
  const at = number === undefined ? lines.length : number - 1
  lines.splice(at, 1, ...(line === undefined ? [] : [line]))
  return `${lines.join('\n')}\n`
}

/** A user as a line of the file. */
export function formatUser(user: User): string {
  const { name, role, groups, password, secretSha256, scram, rules, tokens, note, addedAtMs, changedAtMs } = user
  return JSON.stringify({
    user: name,
    role,
    groups: groups.length === 0 ? undefined : groups,
    password,
    secretSha256,
    scram,
    rules: rules.length === 0 ? undefined : rules,
    tokens: tokens.length === 0 ? undefined : tokens.map((token) => formatToken(token)),
    note: note === '' ? undefined : note,
    added: timeText(addedAtMs),
    changed: timeText(changedAtMs),
  })
}

function formatToken({ id, note, sha256, role, rules, madeAtMs, expiresAtMs }: StoredToken): object {
  return {
    id,
    note: note === '' ? undefined : note,
    sha256,
    role,
    rules: rules.length === 0 ? undefined : rules,
    made: timeText(madeAtMs),
    expires: timeText(expiresAtMs),
  }
}

function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

function isContent(line: string): boolean {
  return line.trim() !== '' && !line.startsWith('#')
}

/** Undefined: it is none of this version. */
function readHeader(line: string): { readonly saltKey: string | undefined } | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null) return undefined
    const fields = new Map<string, unknown>(Object.entries(value))
    if (fields.get('hubbub') !== 'users' || fields.get('version') !== 1) return undefined
    const saltKey = fields.get('saltKey')
    return { saltKey: typeof saltKey === 'string' ? saltKey : undefined }
  } catch {
    return undefined
  }
}

/** The first line of a new file. */
function newHeader(): string {
  return JSON.stringify({ hubbub: 'users', version: 1, saltKey: randomBytes(SALT_KEY_BYTES).toString('base64') })
}

/** Reads one line, field by field. */
class LineReader {
  readonly #line: string
  readonly #readRules: (rules: readonly string[]) => readonly Rule[]

  constructor(line: string, readRules: (rules: readonly string[]) => readonly Rule[]) {
    this.#line = line
    this.#readRules = readRules
  }

  user(): User {
    const fields = fieldsOf(this.#parse(), USER_FIELDS, 'a user')
    const name = textOf(fields, 'user')
    if (name === undefined) throw wrong('"user" must be the name of the user, it is missing')
    const nameFault = userNameFault(name)
    if (nameFault !== undefined) throw wrong(`a user name must ${nameFault}, it is ${quote(name)}`)
    const password = textOf(fields, 'password')
    if (password !== undefined) checkPassword(password)
    const secretSha256 = textOf(fields, 'secretSha256')
    if (secretSha256 !== undefined && !SHA256.test(secretSha256))
      throw wrong('"secretSha256" must be a SHA-256 in base64, it is not')
    const scram = textOf(fields, 'scram')
    if (scram !== undefined && parseVerifier(scram) === undefined) {
      throw wrong('"scram" must be SCRAM-SHA-256$ with 4,096 to 1,000,000 rounds, it is not')
    }
    const groups = listOf(fields, 'groups', MAX_GROUPS)
    for (const group of groups) {
      const fault = userNameFault(group)
      if (fault !== undefined) throw wrong(`the name of a group must ${fault}, it is ${quote(group)}`)
    }
    const rules = listOf(fields, 'rules', MAX_RULES)
    return {
      name,
      role: roleOf(fields),
      groups,
      password,
      secretSha256,
      scram,
      rules,
      ownRules: this.#rulesOf(rules),
      tokens: this.#tokens(fields.get('tokens')),
      note: noteOf(fields),
      addedAtMs: timeOf(fields, 'added'),
      changedAtMs: timeOf(fields, 'changed'),
    }
  }

  #parse(): unknown {
    try {
      return JSON.parse(this.#line)
    } catch {
      // What the parser says quotes the line, in which there are hashes.
      throw wrong('a line must be a user as JSON on one line, such as {"user":"anna"}; this cannot be read')
    }
  }

  #tokens(value: unknown): StoredToken[] {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw wrong('"tokens" must be a list')
    if (value.length > MAX_TOKENS) throw wrong(`"tokens" must be at most ${MAX_TOKENS}, they are ${value.length}`)
    const tokens = value.map((item: unknown) => this.#token(item))
    if (new Set(tokens.map(({ id }) => id)).size < tokens.length) throw wrong('two tokens have one "id"')
    return tokens
  }

  #token(value: unknown): StoredToken {
    const fields = fieldsOf(value, TOKEN_FIELDS, 'a token')
    const id = textOf(fields, 'id')
    if (id === undefined || !TOKEN_ID.test(id)) throw wrong('"id" of a token must be letters and digits')
    const sha256 = textOf(fields, 'sha256')
    if (sha256 === undefined || !SHA256.test(sha256)) throw wrong('"sha256" of a token must be in base64, it is not')
    const [madeAtMs, expiresAtMs] = [timeOf(fields, 'made'), timeOf(fields, 'expires')]
    if (expiresAtMs === undefined) throw wrong('"expires" of a token must be a time, it is missing')
    const rules = listOf(fields, 'rules', MAX_RULES)
    const ownRules = this.#rulesOf(rules)
    return {
      id,
      note: noteOf(fields),
      sha256,
      role: roleOf(fields),
      rules,
      ownRules,
      madeAtMs: madeAtMs ?? 0,
      expiresAtMs,
    }
  }

  #rulesOf(rules: readonly string[]): readonly Rule[] {
    return rules.length === 0 ? [] : this.#readRules(rules)
  }
}

type Fields = ReadonlyMap<string, unknown>

function fieldsOf(value: unknown, known: readonly string[], what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(`${what} must be fields in braces, it is ${Array.isArray(value) ? 'a list' : quote(value)}`)
  }
  const fields = new Map<string, unknown>(Object.entries(value))
  for (const name of fields.keys()) {
    if (!known.includes(name)) throw wrong(`${what} has no field ${quote(name)}${didYouMean(closest(name, known))}`)
  }
  return fields
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields.get(name)
  if (value === undefined || typeof value === 'string') return value
  throw wrong(`"${name}" must be text in quotes, it is of type ${value === null ? 'null' : typeof value}`)
}

function noteOf(fields: Fields): string {
  const note = textOf(fields, 'note') ?? ''
  if (note.length > MAX_NOTE_CHARACTERS) throw wrong(`"note" must have at most ${MAX_NOTE_CHARACTERS} characters`)
  return note
}

function listOf(fields: Fields, name: string, max: number): readonly string[] {
  const value = fields.get(name) ?? []
  if (!isTexts(value)) throw wrong(`"${name}" must be a list of texts, as in ["one", "two"]`)
  if (value.length > max) throw wrong(`"${name}" must have at most ${max} entries, it has ${value.length}`)
  return value
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function roleOf(fields: Fields): Role | undefined {
  const role = textOf(fields, 'role')
  if (role === undefined || isRole(role)) return role
  throw wrong(`"role" must be ${ROLES.join(', ')} or left out, it is ${quote(role)}${didYouMean(closest(role, ROLES))}`)
}

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text)
}

function timeOf(fields: Fields, name: string): number | undefined {
  const text = textOf(fields, name)
  if (text === undefined) return undefined
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(ms)) throw wrong(`"${name}" must be a time such as 2026-01-31T12:00:00Z, it is ${quote(text)}`)
  return ms
}

function checkPassword(password: string): void {
  try {
    parsePasswordHash(password)
  } catch (error) {
    throw wrong(`"password" must be a hash of a password: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function wrong(what: string): HubbubError {
  return new HubbubError('USERS_INVALID', what)
}
