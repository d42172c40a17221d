import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ListenerSet } from '../../src/assemble/listener-set.ts'
import { completeConfig } from '../../src/config/complete.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import { type ListenerSettings, listenersOf } from '../../src/config/listener-settings.ts'
import type { Transport } from '../../src/connection/transport.ts'
import { ReadTurn } from '../../src/listeners/read-turn.ts'
import { TcpListener } from '../../src/listeners/tcp.ts'
import { Certificates } from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { Collected, guarded } from '../support/guard.ts'
import { RecordingOwner } from '../support/listening.ts'
import { CollectingLog } from '../support/start-hub.ts'
import { connectTls, untilClosed } from '../support/tls-listener.ts'

type Listeners = NonNullable<PartialConfig['listeners']>

interface Running {
  readonly set: ListenerSet
  readonly transports: Collected<Transport>
  readonly log: CollectingLog
}

function settingsOf(listeners: Listeners): readonly ListenerSettings[] {
  return listenersOf(completeConfig({ host: '127.0.0.1', listeners }))
}

/** Listeners that are open, and whom they have handed out. */
async function start(listeners: Listeners): Promise<Running> {
  const log = new CollectingLog()
  const transports = new Collected<Transport>('transports')
  const readTurn = new ReadTurn()
  const set = new ListenerSet(
    (settings, tls) =>
      Promise.resolve(
        new TcpListener({ ...settings, entry: settings, tls, log, readTurn }, (transport) => {
          transport.attach(new RecordingOwner())
          transports.push(transport)
        }),
      ),
    log,
  )
  onTestFinished(async () => {
    await set.removeAll()
    set.stop()
    for (const transport of transports.items) transport.destroy()
  })
  for (const settings of settingsOf(listeners)) await set.add(settings)
  return { set, transports, log }
}

/** Whether somebody listens there. */
async function answers(port: number): Promise<boolean> {
  const socket = await open(port).catch(() => undefined)
  socket?.destroy()
  return socket !== undefined
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  await guarded(once(socket, 'connect'), () => `a connection to port ${port}`)
  socket.on('error', () => undefined)
  return socket
}

function portOf({ set }: Running, name: string): number {
  return set.open.find(({ settings }) => settings.name === name)?.listener.address.port ?? 0
}

describe('ListenerSet.replace', () => {
  test('opens new listeners, closes old ones, and leaves connections and all others alone', async () => {
    const running = await start([
      { kind: 'mqtt', name: 'kept', port: 0 },
      { kind: 'mqtt', name: 'old', port: 0 },
    ])
    const [kept, old] = [portOf(running, 'kept'), portOf(running, 'old')]
    const sockets = [await open(kept), await open(old)]
    await running.transports.atLeast(2)
    await running.set.replace(
      settingsOf([
        { kind: 'mqtt', name: 'new', port: 0 },
        { kind: 'mqtt', name: 'kept', port: 0, maxConnections: 1 },
      ]),
    )
    expect(running.set.open.map(({ settings }) => settings.name)).toEqual(['new', 'kept'])
    expect([portOf(running, 'kept'), await answers(old)]).toEqual([kept, false])
    const byNew = await open(portOf(running, 'new'))
    const transports = await running.transports.atLeast(3)
    expect(transports.map(({ door }) => door.listener)).toEqual(['kept', 'old', 'new'])
    expect([...sockets, byNew].map(({ closed }) => closed)).toEqual([false, false, false])
    // Its limit is new; who came before does not count.
    await open(kept)
    const second = await open(kept)
    second.resume()
    await guarded(once(second, 'close'), () => 'the second to be refused')
  })

  test('takes over a port under another name and kind', async () => {
    const port = await freePort()
    const made = await Certificates.make()
    const running = await start([{ kind: 'mqtt', port }])
    const plain = await open(port)
    await running.set.replace(settingsOf([{ kind: 'mqtts', port, ...made.options }]))
    const secure = await connectTls(port, { ca: made.authority.certificate })
    expect([plain.closed, secure.authorized]).toEqual([false, true])
  })

  test('asks for client certificates from then on, and ends connections whose certificate is revoked by the new list', async () => {
    const made = await Certificates.make()
    const alice = await made.client('alice')
    await made.revoke([alice])
    const clients = { ca: made.file('ca.pem'), clientCertificates: 'optional' as const }
    const running = await start([{ kind: 'mqtts', port: 0, ...made.options, ...clients }])
    const port = portOf(running, 'mqtts')
    const ca = made.authority.certificate
    const stranger = await connectTls(port, { ca })
    const known = await connectTls(port, { ca, cert: alice.certificate, key: alice.key })
    await running.transports.atLeast(2)
    const required = { ...clients, clientCertificates: 'required' as const, crl: made.file('crl.pem') }
    await running.set.replace(settingsOf([{ kind: 'mqtts', port: 0, ...made.options, ...required }]))
    expect(portOf(running, 'mqtts')).toBe(port)
    await untilClosed(known)
    expect(stranger.closed).toBe(false)
    await untilClosed(await connectTls(port, { ca }))
    expect(running.transports.items).toHaveLength(2)
  })

  test('moves a listener to another port, and has its certificates watched there; where that is taken it stays', async () => {
    const made = await Certificates.make()
    const alice = await made.client('alice')
    await made.revoke([])
    const options = { ...made.options, ca: made.file('ca.pem'), crl: made.file('crl.pem') }
    const listener = { kind: 'mqtts' as const, ...options, clientCertificates: 'required' as const }
    const other = await start([{ kind: 'mqtt', port: 0 }])
    const [first, second] = [await freePort(), await freePort()]
    const running = await start([{ ...listener, port: first }])
    const known = { ca: made.authority.certificate, cert: alice.certificate, key: alice.key }
    const taken = settingsOf([{ ...listener, port: portOf(other, 'mqtt') }])
    await expect(running.set.replace(taken)).rejects.toMatchObject({ code: 'LISTENER_PORT_IN_USE' })
    expect(portOf(running, 'mqtts')).toBe(first)
    const before = await connectTls(first, known)
    await running.transports.atLeast(1)
    await running.set.replace(settingsOf([{ ...listener, port: second }]))
    expect([portOf(running, 'mqtts'), await answers(first), before.closed]).toEqual([second, false, false])
    const after = await connectTls(second, known)
    await running.transports.atLeast(2)
    await made.revoke([alice])
    await running.set.tls?.reload()
    await Promise.all([untilClosed(before), untilClosed(after)])
  })

  test.each<[string, (made: Certificates, taken: number) => Listeners, string]>([
    [
      'a certificate that is missing',
      (made) => [{ kind: 'mqtts', port: 0, certificate: made.file('no.pem'), key: 'x' }],
      'CERTIFICATE_UNUSABLE',
    ],
    [
      'a port that another program has',
      (_, taken) => [
        { kind: 'mqtt', name: 'new', port: 0 },
        { kind: 'mqtt', port: taken },
      ],
      'LISTENER_PORT_IN_USE',
    ],
    [
      'HTTP that is not loaded',
      () => [
        { kind: 'mqtt', port: 0 },
        { kind: 'http', port: 0 },
      ],
      'CONFIG_INVALID',
    ],
  ])('leaves all as it was because of %s', async (_, listenersWith, code) => {
    const made = await Certificates.make()
    const other = await start([{ kind: 'mqtt', port: 0 }])
    const running = await start([{ kind: 'mqtt', port: 0 }])
    const port = portOf(running, 'mqtt')
    await expect(running.set.replace(settingsOf(listenersWith(made, portOf(other, 'mqtt'))))).rejects.toMatchObject({
      code,
    })
    expect(running.set.open.map(({ settings }) => settings.name)).toEqual(['mqtt'])
    expect([portOf(running, 'mqtt'), await answers(port)]).toEqual([port, true])
  })
})
