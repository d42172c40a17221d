import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type CertificatePair,
  type CertificateWish,
  makeAuthority,
  makeCertificate,
  makeRevocationList,
} from '../../src/cli/cert/authority.ts'

const DAY_MS = 86_400_000

export function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS)
}

/** Files of a CA, of a server and of clients, in a folder that is removed with the test. */
export class Certificates {
  readonly folder: string
  readonly authority: CertificatePair
  readonly server: CertificatePair

  private constructor(folder: string, authority: CertificatePair, server: CertificatePair) {
    this.folder = folder
    this.authority = authority
    this.server = server
  }

  static async make(): Promise<Certificates> {
    const folder = mkdtempSync(join(tmpdir(), 'hubbub-tls-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const authority = await makeAuthority('Test CA', inDays(100))
    const server = await issue(authority, {
      use: 'server',
      commonName: 'hub',
      names: ['localhost', '127.0.0.1', '::1'],
    })
    const made = new Certificates(folder, authority, server)
    made.write('ca.pem', authority.certificate)
    made.writePair('server', server)
    return made
  }

  /** Where a file of that name is. */
  file(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text)
    return this.file(name)
  }

  /** Writes `NAME.pem` and `NAME-key.pem`. */
  writePair(name: string, { certificate, key }: CertificatePair): void {
    this.write(`${name}.pem`, certificate)
    this.write(`${name}-key.pem`, key)
  }

  /** A certificate of a client, and its files. */
  async client(
    name: string,
    wish: Partial<CertificateWish> = {},
    authority = this.authority,
  ): Promise<CertificatePair> {
    const pair = await issue(authority, { use: 'client', commonName: name, ...wish })
    this.writePair(name, pair)
    return pair
  }

  /** Writes `crl.pem`. */
  async revoke(pairs: readonly CertificatePair[], nextUpdate = inDays(30)): Promise<void> {
    const revoked = pairs.map(({ certificate }) => certificate)
    this.write('crl.pem', await makeRevocationList(this.authority, revoked, nextUpdate))
  }

  /** What a listener is given, without client certificates. */
  get options(): { certificate: string; key: string } {
    return { certificate: this.file('server.pem'), key: this.file('server-key.pem') }
  }
}

export async function issue(
  authority: CertificatePair,
  wish: Omit<CertificateWish, 'notAfter'> & { readonly notAfter?: Date },
): Promise<CertificatePair> {
  return makeCertificate(authority, { notAfter: inDays(90), ...wish })
}
