import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { TlsSide } from '../../../src/listeners/tls/tls-side.ts'
import { Certificates, inDays, issue } from '../../support/certificates.ts'
import { CollectingLog } from '../../support/start-hub.ts'
import { connectTls, startTlsListener, tlsSettings, type TlsListening } from '../../support/tls-listener.ts'

async function shownAt({ port }: TlsListening): Promise<unknown> {
  const socket = await connectTls(port, { rejectUnauthorized: false })
  return socket.getPeerCertificate().subject.CN
}

async function untilShown(listening: TlsListening, name: string): Promise<void> {
  await vi.waitFor(async () => expect(await shownAt(listening)).toBe(name), { timeout: 12_000, interval: 100 })
}

describe('Trap 10: certificates are read again when their files change', () => {
  test('written in place, renamed, by a link that is swapped, and again after each', async () => {
    const made = await Certificates.make()
    const pairOf = async (name: string) => issue(made.authority, { use: 'server', commonName: name })
    // As Kubernetes mounts a secret: `server.pem` is a link into `..data`, which is a link that is swapped.
    const links = await Certificates.make()
    const version = async (folder: string, name: string): Promise<void> => {
      mkdirSync(links.file(folder))
      const { certificate, key } = await pairOf(name)
      writeFileSync(links.file(`${folder}/tls.pem`), certificate)
      writeFileSync(links.file(`${folder}/tls-key.pem`), key)
      symlinkSync(folder, links.file('..data-new'))
      renameSync(links.file('..data-new'), links.file('..data'))
    }
    await version('v1', 'link 1')
    symlinkSync('..data/tls.pem', links.file('tls.pem'))
    symlinkSync('..data/tls-key.pem', links.file('tls-key.pem'))
    const linked = await startTlsListener(
      tlsSettings(links, { certificate: links.file('tls.pem'), key: links.file('tls-key.pem') }),
    )
    const plain = await startTlsListener(tlsSettings(made))
    expect([await shownAt(linked), await shownAt(plain)]).toEqual(['link 1', 'hub'])
    const open = await connectTls(plain.port, { rejectUnauthorized: false })

    made.writePair('server', await pairOf('in place'))
    await version('v2', 'link 2')
    await Promise.all([untilShown(plain, 'in place'), untilShown(linked, 'link 2')])

    made.writePair('next', await pairOf('renamed'))
    for (const file of ['.pem', '-key.pem']) renameSync(made.file(`next${file}`), made.file(`server${file}`))
    await version('v3', 'link 3')
    await Promise.all([untilShown(plain, 'renamed'), untilShown(linked, 'link 3')])

    made.writePair('server', await pairOf('in place again'))
    await untilShown(plain, 'in place again')
    expect(open.closed).toBe(false)
  })

  test('not while they are half written, nor when they do not go together: what is in force stays, and the log says why', async () => {
    const made = await Certificates.make()
    const listening = await startTlsListener(tlsSettings(made))
    const next = await issue(made.authority, { use: 'server', commonName: 'next' })
    const told = () => listening.log.lines.items.filter(({ level }) => level === 'error')
    made.write('server.pem', next.certificate.slice(0, 300))
    await vi.waitFor(() => expect(told()).toHaveLength(1), { timeout: 12_000 })
    expect(told()[0]).toMatchObject({
      text: 'certificates not reloaded: what is in force stays',
      fields: { listener: 'secure', reason: expect.stringContaining('has no END line') as unknown },
    })
    expect(await shownAt(listening)).toBe('hub')
    made.write('server.pem', next.certificate)
    await vi.waitFor(() => expect(told()).toHaveLength(2), { timeout: 12_000 })
    expect(told()[1]?.fields['reason']).toContain('it must be the key of the certificate in')
    expect(await shownAt(listening)).toBe('hub')
    made.write('server-key.pem', next.key)
    await untilShown(listening, 'next')
    expect(told()).toHaveLength(2)
  })
})

test('The log says 30, 7 and 1 days before, and when it is there, that a certificate ends; of a list 7, 3 and 1', async () => {
  const made = await Certificates.make()
  await made.revoke([], inDays(90))
  made.writePair('server', await issue(made.authority, { use: 'server', commonName: 'hub', notAfter: inDays(90) }))
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const log = new CollectingLog()
  const side = new TlsSide(log)
  side.start()
  onTestFinished(() => side.stop())
  const settings = { ca: made.file('ca.pem'), crl: made.file('crl.pem'), clientCertificates: 'optional' as const }
  await side.add('secure', 'listeners[0]', tlsSettings(made, settings))
  for (let day = 0; day < 91; day++) vi.advanceTimersByTime(86_400_000)
  const told = (file: string) =>
    log.lines.items
      .filter(({ fields }) => fields['file'] === made.file(file))
      .map(({ fields, level }) => [fields['daysLeft'], level])
  expect(told('server.pem')).toEqual([
    [30, 'warn'],
    [7, 'warn'],
    [1, 'warn'],
    [0, 'error'],
  ])
  expect(told('crl.pem')).toEqual([
    [7, 'warn'],
    [3, 'warn'],
    [1, 'warn'],
    [0, 'error'],
  ])
  expect(told('ca.pem')).toEqual([[30, 'warn']])
})
