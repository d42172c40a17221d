import { once } from 'node:events'
import { connect as connectPlain, type Socket } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Certificates, inDays } from '../../support/certificates.ts'
import { guarded } from '../../support/guard.ts'
import {
  connectTls,
  startTlsListener,
  tlsSettings,
  untilClosed,
  type TlsListening,
} from '../../support/tls-listener.ts'

/** A CA with a client, alice, and a listener that asks for certificates and has a list of those that are revoked. */
async function startWithList(
  settings: Parameters<typeof tlsSettings>[1] = {},
): Promise<TlsListening & { made: Certificates; alice: ConnectionOptions; revokeAlice: () => Promise<void> }> {
  const made = await Certificates.make()
  const pair = await made.client('alice')
  await made.revoke([])
  const started = await startTlsListener(
    tlsSettings(made, {
      ca: made.file('ca.pem'),
      crl: made.file('crl.pem'),
      clientCertificates: 'required',
      ...settings,
    }),
  )
  const alice = { ca: made.authority.certificate, cert: pair.certificate, key: pair.key }
  return { ...started, made, alice, revokeAlice: async () => made.revoke([pair]) }
}

/** Connects, and tells why the listener refused it, or that it did not. */
async function outcomeOf({ port, transports, refusals }: TlsListening, options: ConnectionOptions): Promise<string> {
  const [before, refusedBefore] = [transports.items.length, refusals.items.length]
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  const taken = transports.firstThat(() => (transports.items.length > before ? 'taken' : undefined))
  const refused = refusals.firstThat((refusal) =>
    refusals.items.indexOf(refusal) >= refusedBefore ? refusal.reason : undefined,
  )
  return guarded(Promise.race([taken, refused]), () => 'the listener to decide')
}

/** The ticket of a connection, for the next. */
async function ticketOf(port: number, options: ConnectionOptions): Promise<Buffer> {
  const socket = await connectTls(port, { ...options, maxVersion: 'TLSv1.2' })
  const ticket = socket.getSession()
  if (ticket === undefined) throw new Error('there is no session')
  return ticket
}

async function untilGone(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  socket.resume()
  if (!socket.closed) await guarded(once(socket, 'close'), () => 'the connection to be closed')
}

describe('Trap 1: Node closes no handshake that is not finished', () => {
  test('A client that says nothing, or half of its first message, is gone after 10 s', async () => {
    const made = await Certificates.make()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { port, refusals } = await startTlsListener(tlsSettings(made))
    const silent = connectPlain(port, '127.0.0.1')
    const half = connectPlain(port, '127.0.0.1', () => half.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1])))
    onTestFinished(() => {
      silent.destroy()
      half.destroy()
    })
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThanOrEqual(2))
    vi.advanceTimersByTime(9999)
    expect([silent.closed, half.closed]).toEqual([false, false])
    vi.advanceTimersByTime(1)
    vi.useRealTimers()
    await Promise.all([untilGone(silent), untilGone(half)])
    expect(refusals.items.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 2 }, () => 'the handshake was not finished within 10000 ms'),
    )
  })

  test('A handshake that fails is closed at once', async () => {
    const made = await Certificates.make()
    const { port, refusals } = await startTlsListener(tlsSettings(made))
    const socket = connectPlain(port, '127.0.0.1', () => socket.write(Buffer.from([0x16, 3, 1, 0, 4, 1, 0, 0, 0])))
    await untilGone(socket)
    expect(refusals.items).toMatchObject([{ kind: 'tls-failed' }])
  })
})

test('Trap 2: another name that is asked for goes round no list of revoked certificates', async () => {
  const started = await startWithList()
  const { made, alice, revokeAlice } = started
  made.writePair('other', await made.client('other', { use: 'server', names: ['other.example'] }))
  const named = await startTlsListener(
    tlsSettings(made, {
      ca: made.file('ca.pem'),
      crl: made.file('crl.pem'),
      clientCertificates: 'required',
      certificates: [
        { names: ['other.example'], certificate: made.file('other.pem'), key: made.file('other-key.pem') },
      ],
    }),
  )
  const asOther = { ...alice, servername: 'other.example' }
  expect(await outcomeOf(named, asOther)).toBe('taken')
  await revokeAlice()
  await named.side.reload()
  expect(await outcomeOf(named, asOther)).toBe('the client certificate is refused: it is revoked')
  expect(await outcomeOf(named, { ca: made.authority.certificate, servername: 'other.example' })).toBe(
    'the client shows no certificate, and one is required',
  )
})

describe('Trap 3: a session that is resumed goes round no list of revoked certificates', () => {
  test('A ticket is good until certificates are read again', async () => {
    const started = await startWithList()
    const { port, alice, revokeAlice, side, transports, made } = started
    const session = await ticketOf(port, alice)
    const resumed = await connectTls(port, { ...alice, session, maxVersion: 'TLSv1.2' })
    expect(resumed.isSessionReused()).toBe(true)
    await transports.atLeast(2)
    expect(transports.items.map(({ door }) => door.certificateName)).toEqual(['alice', 'alice'])
    const bob = await made.client('bob')
    await made.revoke([bob])
    await side.reload()
    const again = await connectTls(port, { ...alice, session, maxVersion: 'TLSv1.2' })
    expect(again.isSessionReused()).toBe(false)
    await revokeAlice()
    await side.reload()
    expect(await outcomeOf(started, { ...alice, session, maxVersion: 'TLSv1.2' })).toBe(
      'the client certificate is refused: it is revoked',
    )
  })

  test('A certificate that has expired meanwhile is refused though its ticket is good', async () => {
    const made = await Certificates.make()
    const soon = await made.client('soon', { notAfter: new Date(Date.now() + 60_000) })
    const started = await startTlsListener(
      tlsSettings(made, { ca: made.file('ca.pem'), clientCertificates: 'required' }),
    )
    const options = {
      ca: made.authority.certificate,
      cert: soon.certificate,
      key: soon.key,
      maxVersion: 'TLSv1.2' as const,
    }
    const session = await ticketOf(started.port, options)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
    onTestFinished(() => void vi.useRealTimers())
    expect(await outcomeOf(started, { ...options, session })).toBe('the client certificate is refused: it has expired')
  })
})

test('Trap 5: a list that has expired refuses everybody, unless it is to be used all the same', async () => {
  const made = await Certificates.make()
  const [alice, bob] = [await made.client('alice'), await made.client('bob')]
  const optionsOf = (pair: typeof alice) => ({ ca: made.authority.certificate, cert: pair.certificate, key: pair.key })
  await made.revoke([bob], inDays(-1))
  const settings = { ca: made.file('ca.pem'), crl: made.file('crl.pem'), clientCertificates: 'required' as const }
  const strict = await startTlsListener(tlsSettings(made, settings))
  expect(await outcomeOf(strict, optionsOf(alice))).toContain('the list of revoked certificates (crl) has expired')
  expect(strict.log.lines.items.map(({ text }) => text)).toContain('a certificate or list has expired')
  const lenient = await startTlsListener(tlsSettings(made, { ...settings, ignoreExpiredCrl: true }))
  expect(await outcomeOf(lenient, optionsOf(alice))).toBe('taken')
  expect(await outcomeOf(lenient, optionsOf(bob))).toContain('it is revoked')
})

test('Trap 6: why a client was refused is told', async () => {
  const started = await startWithList()
  const { made, alice, revokeAlice, side, refusals } = started
  const other = await Certificates.make()
  const stranger = await other.client('alice')
  const late = await made.client('late', { notBefore: inDays(-3), notAfter: inDays(-1) })
  const early = await made.client('early', { notBefore: inDays(1) })
  const server = await made.client('of-a-server', { use: 'server' })
  const { ca } = alice
  const asked = async (pair: { certificate: string; key: string }) =>
    outcomeOf(started, { ca, cert: pair.certificate, key: pair.key })
  expect(await outcomeOf(started, alice)).toBe('taken')
  expect(await outcomeOf(started, { ca })).toBe('the client shows no certificate, and one is required')
  expect(await asked(stranger)).toContain('signed by another CA')
  expect(await asked(late)).toContain('it has expired')
  expect(await asked(early)).toContain('it is not valid yet')
  expect(await asked(server)).toContain('it is not for clients')
  await revokeAlice()
  await side.reload()
  expect(await outcomeOf(started, alice)).toContain('it is revoked')
  expect(new Set(refusals.items.map(({ kind }) => kind))).toEqual(new Set(['certificate-refused']))
})

describe('Traps 7 and 9: certificates that change', () => {
  test('are those that new clients get, by each name; names that are gone get the first; who is connected stays', async () => {
    const made = await Certificates.make()
    made.writePair('other', await made.client('first', { use: 'server', names: ['other.example'] }))
    const names = [{ names: ['other.example'], certificate: made.file('other.pem'), key: made.file('other-key.pem') }]
    const { port, side, owners, log } = await startTlsListener(
      tlsSettings(made, { certificates: names, ca: made.file('ca.pem'), clientCertificates: 'optional' }),
    )
    const shown = async (servername: string): Promise<readonly [TLSSocket, unknown]> => {
      const socket = await connectTls(port, { servername, rejectUnauthorized: false })
      return [socket, socket.getPeerCertificate().subject.CN]
    }
    const [open, name] = await shown('other.example')
    expect(name).toBe('first')
    for (const next of ['second', 'third']) {
      made.writePair('other', await made.client(next, { use: 'server', names: ['other.example'] }))
      await side.reload()
      expect((await shown('other.example'))[1]).toBe(next)
      expect((await shown('localhost'))[1]).toBe('hub')
    }
    open.write('still')
    await owners[0]?.untilReceived(5)
    expect(log.lines.items.filter(({ text }) => text === 'certificates reloaded')).toHaveLength(2)
  })

  test('still ask for certificates of clients, and end connections whose certificate is revoked', async () => {
    const started = await startWithList()
    const { made, port, alice, revokeAlice, side, refusals } = started
    const bobPair = await made.client('bob')
    const bob = await connectTls(port, { ca: alice.ca, cert: bobPair.certificate, key: bobPair.key })
    const socket = await connectTls(port, alice)
    await started.transports.atLeast(2)
    await revokeAlice()
    await side.reload()
    await untilClosed(socket)
    expect(bob.closed).toBe(false)
    expect(refusals.items).toMatchObject([
      { kind: 'certificate-refused', reason: 'the certificate of "alice" was revoked' },
    ])
    expect(await outcomeOf(started, { ca: alice.ca })).toContain('shows no certificate')
  })
})
