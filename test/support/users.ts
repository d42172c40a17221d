import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Log, LogFields } from '../../src/base/log.ts'
import type { Credentials, Peer } from '../../src/auth/identity.ts'
import { PasswordHasher } from '../../src/auth/passwords/password-hasher.ts'
import { readOwnRules } from '../../src/auth/users/own-rules.ts'
import { Users, type UsersOptions } from '../../src/auth/users/users.ts'
import { UsersFile } from '../../src/auth/users/users-file.ts'

export const PEER: Peer = { host: '192.0.2.7', listener: 'mqtt', certificateName: undefined }

/** A folder that is gone after the test. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-users-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A log that collects its lines. */
export function collectingLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const note = (fields: LogFields, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`)
  return { log: { debug: note, info: note, warn: note, error: note }, lines }
}

/** Users of a file that is not there yet, or is already at `path`. */
export async function testUsers(path = join(testFolder(), 'users.ndjson'), options: Partial<UsersOptions> = {}) {
  const hasher = new PasswordHasher()
  onTestFinished(() => hasher.close())
  const { log, lines } = collectingLog()
  const file = new UsersFile({ path, name: 'users.ndjson', readRules: readOwnRules })
  const users = new Users({ file, hasher, log, nowMs: () => Date.now(), ...options })
  onTestFinished(() => users.close())
  await users.load()
  return { users, hasher, file, path, lines }
}

export function credentials(userName: string | undefined, password?: string): Credentials {
  return { userName, password: password === undefined ? undefined : Buffer.from(password), clientId: 'client-1' }
}
