import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { HubbubError } from '../../base/errors.ts'
import type { CommandCall } from '../command.ts'
import type { CertificatePair } from './authority.ts'
import { clientText, revokedText, serverText } from './cert-texts.ts'

const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
/** As long as a phone trusts the certificate of a server whose CA it was given by hand. */
const DEFAULT_DAYS = 825
const MAX_DAYS = 3650
/** A list is only made when there is something to revoke, and must not end before anybody thinks of it. */
const LIST_DAYS = 3650
const FILE_MODE = 0o644
const KEY_MODE = 0o600
const CLIENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const HOST_NAME = /^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
/** Files of the authority and of the server. */
const TAKEN_NAMES: ReadonlySet<string> = new Set(['ca', 'server', 'crl'])

/** `hubbub cert`: a CA, if there is none, and a certificate of this machine. @throws HubbubError `COMMAND_INVALID` */
export async function makeServerCertificate({ flags }: CommandCall): Promise<string> {
  const folder = folderOf(flags)
  const names = [...new Set([...ownNames(), ...moreNames(flags)])]
  const days = daysOf(flags)
  mustNotReplace(folder, ['server.pem', 'server-key.pem'], flags)
  const { makeAuthority, makeCertificate, makeRevocationList } = await import('./authority.ts')
  const files: string[] = []
  mkdirSync(folder, { recursive: true })
  if (!existsSync(join(folder, 'ca.pem'))) {
    // Of its own, so that a browser that knows an older one does not take this for it.
    const name = `Hubbub CA ${randomBytes(3).toString('hex')} of ${hostname()}`
    files.push(...writePair(folder, 'ca', await makeAuthority(name, inDays(AUTHORITY_DAYS))))
  }
  const authority = readAuthority(folder)
  if (!existsSync(join(folder, 'crl.pem'))) {
    files.push(write(folder, 'crl.pem', await makeRevocationList(authority, [], inDays(LIST_DAYS)), FILE_MODE))
  }
  const notAfter = inDays(days)
  const server = await makeCertificate(authority, { use: 'server', commonName: hostname(), names, notAfter })
  files.push(...writePair(folder, 'server', server))
  const made = { folder, files, names, endsOn: notAfter.toISOString() }
  return flags.has('json') ? asJson(made) : serverText(made, authority.certificate)
}

/** `hubbub cert client NAME`. @throws HubbubError `COMMAND_INVALID` */
export async function makeClientCertificate({ operand: name, flags }: CommandCall): Promise<string> {
  const folder = folderOf(flags)
  if (!CLIENT_NAME.test(name) || TAKEN_NAMES.has(name)) {
    throw invalid(
      `Cannot make a certificate for ${JSON.stringify(name)}: the name must be of letters, digits, ".", "_" and "-", of 64 at most, and not one of ${[...TAKEN_NAMES].join(', ')}`,
    )
  }
  const days = daysOf(flags)
  mustNotReplace(folder, [`${name}.pem`, `${name}-key.pem`], flags)
  const authority = readAuthority(folder)
  const { makeCertificate } = await import('./authority.ts')
  const notAfter = inDays(days)
  const files = writePair(folder, name, await makeCertificate(authority, { use: 'client', commonName: name, notAfter }))
  const made = { folder, files, names: [], endsOn: notAfter.toISOString() }
  return flags.has('json') ? asJson({ ...made, name }) : clientText(made, name)
}

/** `hubbub cert revoke NAME`. @throws HubbubError `COMMAND_INVALID` */
export async function revokeCertificate({ operand: name, flags }: CommandCall): Promise<string> {
  const folder = folderOf(flags)
  const certificate = read(join(folder, `${name}.pem`))
  if (!CLIENT_NAME.test(name) || TAKEN_NAMES.has(name) || certificate === undefined) {
    throw invalid(`Cannot revoke the certificate of ${JSON.stringify(name)}: it must be in ${folder}, there is none`)
  }
  const authority = readAuthority(folder)
  const { isOnList, makeRevocationList } = await import('./authority.ts')
  const before = read(join(folder, 'crl.pem'))
  if (before !== undefined && isOnList(before, certificate)) {
    throw invalid(`Cannot revoke the certificate of ${JSON.stringify(name)}: it must be good, it is revoked already`)
  }
  const nextUpdate = inDays(LIST_DAYS)
  const files = [
    write(folder, 'crl.pem', await makeRevocationList(authority, [certificate], nextUpdate, before), FILE_MODE),
  ]
  const made = { folder, files, names: [], endsOn: nextUpdate.toISOString() }
  return flags.has('json') ? asJson({ ...made, name }) : revokedText(made, name)
}

/** Names and addresses of this machine. Those that hold on one link only are left out. */
function ownNames(): string[] {
  const name = hostname()
  const addresses = Object.values(networkInterfaces())
    .flatMap((all = []) => all)
    .map(({ address }) => address)
    .filter((address) => !address.toLowerCase().startsWith('fe80:'))
  const names = HOST_NAME.test(name) ? [name, ...(name.includes('.') ? [] : [`${name}.local`])] : []
  return ['localhost', ...names, '127.0.0.1', '::1', ...addresses]
}

function moreNames(flags: CommandCall['flags']): string[] {
  const names = (flags.get('names') ?? '').split(',').map((name) => name.trim())
  const given = names.filter((name) => name !== '')
  const wrong = given.find((name) => isIP(name) === 0 && !HOST_NAME.test(name))
  if (wrong === undefined) return given
  throw invalid(`Cannot use --names: each must be a host name or an IP address, there is ${JSON.stringify(wrong)}`)
}

function daysOf(flags: CommandCall['flags']): number {
  const text = flags.get('days') ?? String(DEFAULT_DAYS)
  const days = Number(text)
  if (/^\d{1,4}$/.test(text) && days >= 1 && days <= MAX_DAYS) return days
  throw invalid(`Cannot use --days: it must be a whole number from 1 to ${MAX_DAYS}, it is ${JSON.stringify(text)}`)
}

function folderOf(flags: CommandCall['flags']): string {
  return flags.get('folder') ?? 'certs'
}

function mustNotReplace(folder: string, files: readonly string[], flags: CommandCall['flags']): void {
  const there = files.map((file) => join(folder, file)).find((file) => existsSync(file))
  if (there === undefined || flags.has('force')) return
  throw invalid(`Cannot write ${there}: there must be no such file yet, there is one; replace it with --force`)
}

function readAuthority(folder: string): CertificatePair {
  const certificate = read(join(folder, 'ca.pem'))
  const key = read(join(folder, 'ca-key.pem'))
  if (certificate !== undefined && key !== undefined) return { certificate, key }
  throw invalid(
    `Cannot sign with the CA in ${folder}: ca.pem and ca-key.pem are required, ${certificate === undefined ? 'ca.pem' : 'ca-key.pem'} is missing; "hubbub cert" makes them`,
  )
}

function read(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'latin1') : undefined
}

function writePair(folder: string, name: string, { certificate, key }: CertificatePair): string[] {
  // The key first: a hub that watches finds the certificate with its key.
  return [write(folder, `${name}-key.pem`, key, KEY_MODE), write(folder, `${name}.pem`, certificate, FILE_MODE)]
}

/** Never half: a hub may be reading. */
function write(folder: string, name: string, text: string, mode: number): string {
  const file = join(folder, name)
  const next = `${file}.new`
  writeFileSync(next, text, { mode })
  // The mode of a file that was left behind by a command that was killed would stay.
  chmodSync(next, mode)
  renameSync(next, file)
  return name
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS)
}

function asJson(made: object): string {
  return `${JSON.stringify(made, undefined, 2)}\n`
}

function invalid(message: string): HubbubError {
  return new HubbubError('COMMAND_INVALID', message)
}
