import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { TlsSettings } from '../../../src/config/listener-settings.ts'
import { clientNameOf } from '../../../src/listeners/tls/client-name.ts'
import { certificateId, readRevocationList } from '../../../src/listeners/tls/der.ts'
import { derOf, readPemBlocks } from '../../../src/listeners/tls/pem.ts'
import { makeTlsMaterial, readTlsFiles, type TlsMaterial } from '../../../src/listeners/tls/tls-files.ts'
import { Certificates, inDays, issue } from '../../support/certificates.ts'
import { rejectionOf } from '../../support/errors.ts'
import { tlsSettings } from '../../support/tls-listener.ts'

async function materialOf(settings: TlsSettings): Promise<TlsMaterial> {
  return makeTlsMaterial(settings, await readTlsFiles(settings, 'listeners[0]'), 'listeners[0]', Date.now())
}

/** What is told of settings that are refused, with `FOLDER` for the folder. */
async function faultOf(made: Certificates, settings: Partial<TlsSettings> = {}): Promise<string> {
  const error = await rejectionOf(materialOf(tlsSettings(made, settings)))
  expect(error.code).toBe('CERTIFICATE_UNUSABLE')
  return error.message.replaceAll(made.folder, 'FOLDER')
}

const idOf = (pem: string) => certificateId(new X509Certificate(pem).raw)
const asked = (made: Certificates) => ({ ca: made.file('ca.pem'), clientCertificates: 'required' as const })

describe('Trap 4: files that OpenSSL would take, or leave out in silence, are refused with what is wrong', () => {
  test('a file that is not there, or is a folder', async () => {
    const made = await Certificates.make()
    expect(await faultOf(made, { certificate: made.file('no.pem') })).toBe(
      'Cannot read FOLDER/no.pem (listeners[0].certificate): there is no such file',
    )
    expect(await faultOf(made, { key: made.folder })).toBe(
      'Cannot read FOLDER (listeners[0].key): it must be a file, it is a folder',
    )
  })

  test('a certificate that is cut off, or is none', async () => {
    const made = await Certificates.make()
    const { certificate } = made.server
    made.write('server.pem', `# made today\n${certificate.slice(0, 300)}`)
    expect(await faultOf(made)).toBe(
      'Cannot use FOLDER/server.pem (listeners[0].certificate): it must be whole, the CERTIFICATE that begins at line 2 has no END line',
    )
    made.write('server.pem', 'hello\n')
    expect(await faultOf(made)).toBe(
      'Cannot use FOLDER/server.pem (listeners[0].certificate): it must hold a certificate, "-----BEGIN CERTIFICATE-----", it has none',
    )
    made.write('server.pem', certificate.replace(/\n[^\n-]+\n-----END/, '\n-----END'))
    expect(await faultOf(made)).toMatch(
      /^Cannot use FOLDER\/server\.pem \(listeners\[0\]\.certificate\): the certificate at line 1 cannot be read: /,
    )
  })

  test('a key of another certificate, an encrypted one, none', async () => {
    const made = await Certificates.make()
    const other = await issue(made.authority, { use: 'server', commonName: 'other' })
    made.write('server-key.pem', other.key)
    expect(await faultOf(made)).toBe(
      'Cannot use FOLDER/server-key.pem (listeners[0].key): it must be the key of the certificate in FOLDER/server.pem, it is that of another',
    )
    made.write('server-key.pem', made.server.certificate)
    expect(await faultOf(made)).toContain('it must hold a private key')
    made.write('server-key.pem', made.server.key)
    const args = [
      'pkey',
      '-in',
      made.file('server-key.pem'),
      '-aes256',
      '-passout',
      'pass:x',
      '-out',
      made.file('e.pem'),
    ]
    execFileSync('openssl', args)
    expect(await faultOf(made, { key: made.file('e.pem') })).toContain('the key must be readable without a password')
  })

  test('a certificate that has expired; one that is not valid yet is told', async () => {
    const made = await Certificates.make()
    const notAfter = new Date(Date.UTC(2020, 0, 2))
    made.writePair(
      'server',
      await issue(made.authority, { use: 'server', commonName: 'x', notBefore: new Date(0), notAfter }),
    )
    expect(await faultOf(made)).toBe(
      'Cannot use FOLDER/server.pem (listeners[0].certificate): the certificate must still be valid, it expired on 2020-01-02',
    )
    made.writePair('server', await issue(made.authority, { use: 'server', commonName: 'x', notBefore: inDays(1) }))
    expect((await materialOf(tlsSettings(made))).warnings).toEqual([
      expect.stringContaining('is the clock of this machine'),
    ])
  })

  test('a CA that is cut off, or that may not sign', async () => {
    const made = await Certificates.make()
    made.write('ca.pem', `${made.authority.certificate}${made.authority.certificate.slice(0, 200)}`)
    expect(await faultOf(made, asked(made))).toMatch(
      /\(listeners\[0\]\.ca\): it must be whole, the CERTIFICATE that begins at line \d+ has/,
    )
    made.write('ca.pem', made.server.certificate)
    expect(await faultOf(made, asked(made))).toContain('a certificate that may sign others (CA)')
  })

  test('a list that is cut off, or is none', async () => {
    const made = await Certificates.make()
    const settings = { ...asked(made), crl: made.file('crl.pem') }
    made.write('crl.pem', made.authority.certificate)
    expect(await faultOf(made, settings)).toContain('it must hold a list of revoked certificates')
    await made.revoke([])
    made.write('crl.pem', '-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n')
    expect(await faultOf(made, settings)).toMatch(/\(listeners\[0\]\.crl\): the list at line 1 cannot be read: /)
  })

  test('a certificate of one name only', async () => {
    const made = await Certificates.make()
    const certificates = [{ names: ['a.example'], certificate: made.file('server.pem'), key: made.file('no.pem') }]
    expect(await faultOf(made, { certificates })).toBe(
      'Cannot read FOLDER/no.pem (listeners[0].certificates[0].key): there is no such file',
    )
  })
})

test('Trap 12: a list is read with the label of OpenSSL, and with the one that others write', async () => {
  const made = await Certificates.make()
  const alice = await made.client('alice')
  await made.revoke([alice])
  const settings = tlsSettings(made, { ...asked(made), crl: made.file('crl.pem') })
  const id = certificateId(new X509Certificate(alice.certificate).raw)
  const { revoked, expiries } = await materialOf(settings)
  expect([...revoked]).toEqual([id])
  expect(expiries.map(({ what }) => what)).toEqual(['certificate', 'ca', 'crl'])
  const text = (await readTlsFiles(settings, '')).get(made.file('crl.pem')) ?? ''
  made.write('crl.pem', text.replaceAll('X509 CRL', 'CRL'))
  expect([...(await materialOf(settings)).revoked]).toEqual([id])
})

test('readRevocationList reads what openssl ca has made, with and without entries', async () => {
  const made = await Certificates.make()
  const [alice, bob] = [await made.client('alice'), await made.client('bob')]
  made.write('ca-key.pem', made.authority.key)
  made.write('index.txt', '')
  made.write('number', '01')
  const config = made.write(
    'ca.cnf',
    `[ca]\ndefault_ca=d\n[d]\ndatabase=${made.file('index.txt')}\ncrlnumber=${made.file('number')}\ndefault_md=sha256\n`,
  )
  const openssl = (...args: string[]) =>
    execFileSync(
      'openssl',
      ['ca', '-config', config, '-cert', made.file('ca.pem'), '-keyfile', made.file('ca-key.pem'), ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    ).toString()
  const list = () => {
    const [block] = readPemBlocks(openssl('-gencrl', '-crldays', '7')).blocks
    return block === undefined ? undefined : readRevocationList(derOf(block))
  }
  expect(list()?.revoked.size).toBe(0)
  openssl('-revoke', made.file('alice.pem'))
  expect(list()?.revoked).toEqual(new Set([idOf(alice.certificate)]))
  openssl('-revoke', made.file('bob.pem'))
  expect(list()?.revoked).toEqual(new Set([idOf(alice.certificate), idOf(bob.certificate)]))
  const leftMs = (list()?.nextUpdateMs ?? 0) - Date.now()
  expect(Math.round(leftMs / 86_400_000)).toBe(7)
})

test('readRevocationList and certificateId throw a RangeError for anything else', async () => {
  const made = await Certificates.make()
  const { raw } = new X509Certificate(made.server.certificate)
  for (let length = 0; length < raw.length; length++) {
    expect(() => certificateId(raw.subarray(0, length))).toThrow(RangeError)
    expect(() => readRevocationList(raw.subarray(0, length))).toThrow(RangeError)
  }
})

/** Whom a certificate that openssl has made with that subject names. */
async function nameIn(subject: string, names?: string): Promise<string | undefined> {
  const made = await Certificates.make()
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const file = made.file('odd.pem')
  const extension = names === undefined ? [] : ['-addext', `subjectAltName=${names}`]
  const args = [...request, '-utf8', '-subj', subject, ...extension, '-keyout', made.file('odd-key.pem'), '-out', file]
  execFileSync('openssl', args, { stdio: 'ignore' })
  const texts = await readTlsFiles({ ...tlsSettings(made), certificate: file }, '')
  const certificate = new X509Certificate(texts.get(file) ?? '').toLegacyObject()
  return clientNameOf(certificate, names === undefined ? 'commonName' : 'uri')
}

describe('Trap 8: clientNameOf', () => {
  test.each([
    ['a plain name', '/O=x/CN=alice', 'alice'],
    ['one that plays another in the printed subject', '/O=x\\/CN=admin/CN=alice', 'alice'],
    ['blanks, commas and what topics are made of', '/CN=a b, c\\+d\\/#', 'a b, c+d/#'],
    ['letters of all languages', '/CN=Жанна', 'Жанна'],
  ])('takes %s', async (_, subject, name) => {
    expect(await nameIn(subject)).toBe(name)
  })

  test.each([
    ['none', '/O=x'],
    ['two', '/CN=alice/CN=bob'],
    ['a control character', '/CN=alice\u0007'],
    ['a character that turns the direction of writing', '/CN=alice\u202e'],
    ['a line separator', '/CN=alice\u2028'],
  ])('finds nobody in %s', async (_, subject) => {
    expect(await nameIn(subject)).toBe(undefined)
  })

  test('finds nobody in a name with NUL', async () => {
    const made = await Certificates.make()
    const { certificate } = await made.client('odd', { commonName: 'admin\0.example' })
    const legacy = new X509Certificate(certificate).toLegacyObject()
    expect(legacy.subject.CN).toBe('admin\0.example')
    expect(clientNameOf(legacy, 'commonName')).toBe(undefined)
  })

  test('takes the first alternative name of its kind, and none that had to be quoted', async () => {
    expect(await nameIn('/CN=x', 'DNS:a.example,URI:urn:dev:7,URI:urn:dev:8')).toBe('urn:dev:7')
    expect(await nameIn('/CN=x', 'DNS:a.example')).toBe(undefined)
    const made = await Certificates.make()
    const { certificate } = await made.client('odd', { names: ['a.example, DNS:admin', 'b.example'] })
    expect(clientNameOf(new X509Certificate(certificate).toLegacyObject(), 'dns')).toBe(undefined)
  })
})
