/** What the hub uses of Aedes and its documentation does not promise. Another version of Aedes has to pass these. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Aedes } from 'aedes'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Admission, type AedesClient, type AedesConnection, Desk } from '../../src/broker/admission.ts'
import type { ControlPeer } from '../../src/broker/admitted-client.ts'
import { BrokerPersistence } from '../../src/broker/persistence.ts'
import { until } from '../support/guard.ts'
import { connectPacket } from '../support/packets.ts'

/** As much of a client as Aedes asks for in its list. */
class Listed {
  readonly id: string
  readonly calls: string[]
  /** What Aedes waits for after `close`. */
  whenClosed: (() => void) | undefined = undefined

  constructor(id: string, calls: string[]) {
    this.id = id
    this.calls = calls
  }

  close(done: () => void): void {
    this.calls.push('close')
    this.whenClosed = done
  }
}

/** A network connection that holds a CONNECT to read. */
class Wire implements AedesConnection {
  destroyed = false
  writtenBytes = 0
  #unread: Buffer | null

  constructor(connect: Buffer) {
    this.#unread = connect
  }

  read(): Buffer | null {
    const bytes = this.#unread
    this.#unread = null
    return bytes
  }

  write(bytes: Buffer): boolean {
    this.writtenBytes += bytes.length
    return true
  }

  on(): void {}

  destroy(): void {
    this.destroyed = true
  }

  once(): void {}
  removeListener(): void {}
  removeAllListeners(): void {}
  setMaxListeners(): void {}
  emit(): void {}
}

/** Aedes with the members that its types leave out. */
class OpenAedes extends Aedes {
  declare readonly handle: (connection: AedesConnection) => AedesClient
  declare readonly registerClient: (client: Listed) => void
  declare readonly unregisterClient: (client: Listed) => void
}

async function startAedes(persistence?: object): Promise<{ readonly aedes: OpenAedes; readonly calls: string[] }> {
  const aedes = new OpenAedes(persistence === undefined ? {} : { persistence })
  await aedes.listen()
  const calls: string[] = []
  aedes.on('client', ({ id }) => calls.push(`client ${id}`))
  aedes.on('clientDisconnect', ({ id }) => calls.push(`clientDisconnect ${id}`))
  aedes.on('closed', () => calls.push('closed'))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        aedes.close(resolve)
      }),
  )
  return { aedes, calls }
}

describe('Aedes', () => {
  test('`registerClient` enters any object that has an id, and says so at once', async () => {
    const { aedes, calls } = await startAedes()
    const one = new Listed('c', calls)
    const told: unknown[] = []
    aedes.on('client', (client) => told.push(client))
    aedes.registerClient(one)
    expect(told).toEqual([one])
    expect(aedes.connectedClients).toBe(1)
    aedes.unregisterClient(one)
  })

  test('`registerClient` closes an older client of the identifier, and enters the newer when that is done', async () => {
    const { aedes, calls } = await startAedes()
    const [older, newer] = [new Listed('c', calls), new Listed('c', calls)]
    aedes.registerClient(older)
    aedes.registerClient(newer)
    expect(calls).toEqual(['client c', 'close'])
    aedes.unregisterClient(older)
    older.whenClosed?.()
    expect(calls).toEqual(['client c', 'close', 'clientDisconnect c', 'client c'])
    expect(aedes.connectedClients).toBe(1)
    aedes.unregisterClient(newer)
  })

  test('`unregisterClient` takes a client out, so that another of the identifier closes nobody', async () => {
    const { aedes, calls } = await startAedes()
    const [one, another] = [new Listed('c', calls), new Listed('c', calls)]
    aedes.registerClient(one)
    aedes.unregisterClient(one)
    expect(aedes.connectedClients).toBe(0)
    aedes.registerClient(another)
    expect(calls).toEqual(['client c', 'clientDisconnect c', 'client c'])
    aedes.unregisterClient(another)
  })

  test('`close` closes every client that is entered and waits for each', async () => {
    const { aedes, calls } = await startAedes()
    const clients = [new Listed('a', calls), new Listed('b', calls)]
    for (const client of clients) aedes.registerClient(client)
    const closed = new Promise<void>((resolve) => {
      aedes.close(resolve)
    })
    expect(calls).toEqual(['client a', 'client b', 'close', 'close'])
    for (const client of clients) client.whenClosed?.()
    await closed
    expect(calls.at(-1)).toBe('closed')
  })

  test('handles a CONNECT that it reads from any object with these members, up to the deletion of its will, and waits there', async () => {
    const calls: string[] = []
    const wire = new Wire(
      connectPacket({ clientId: 'sent', will: { topic: 't' }, userName: 'user', password: 'secret' }),
    )
    class WatchedPersistence extends BrokerPersistence {
      override cleanSubscriptions() {
        calls.push('cleanSubscriptions')
        return super.cleanSubscriptions()
      }

      override delWill(owner: unknown) {
        calls.push(`delWill${owner === client ? ' of the client' : ''}`)
        return { finally: () => undefined }
      }
    }
    const { aedes, calls: told } = await startAedes(new WatchedPersistence())
    aedes.preConnect = (_client, packet, done) => {
      packet.clientId = 'given'
      calls.push('preConnect')
      done(null, true)
    }
    aedes.authenticate = (known, userName, password, done) => {
      calls.push(`authenticate ${known.id} ${userName} ${String(password)}`)
      done(null, true)
    }
    const client = aedes.handle(wire)
    client.resume()
    // It goes on in the next turn of the loop; whatever more it did would follow in the turns after that.
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    expect(client.conn).toBe(wire)
    expect(calls).toEqual([
      'preConnect',
      'authenticate given user secret',
      'cleanSubscriptions',
      'delWill of the client',
    ])
    expect(told).toEqual([])
    expect(wire.writtenBytes).toBe(0)
  })

  test('tells of a CONNECT that `authenticate` refuses by `connackSent`, and ends its connection then', async () => {
    const { aedes, calls } = await startAedes()
    const wire = new Wire(connectPacket({ clientId: 'c' }))
    const sent: unknown[] = []
    aedes.on('connackSent', ({ returnCode }, of) => sent.push([returnCode, of, wire.destroyed]))
    aedes.authenticate = (_client, _userName, _password, done) => done(null, false)
    const client = aedes.handle(wire)
    client.resume()
    await until(
      () => wire.destroyed,
      () => 'the connection to end',
    )
    expect(sent).toEqual([[5, client, false]])
    expect(calls).toEqual([])
  })

  test('handles one CONNECT after the other with one client at a desk, which knows nothing of those before', async () => {
    const { aedes, calls } = await startAedes(new BrokerPersistence())
    const seen: unknown[] = []
    aedes.authenticate = ({ id, clean, version }, userName, password, done) => {
      seen.push([id, clean, version, userName, password?.toString()])
      done(null, true)
    }
    const { desk, client, admitted } = deskOf(aedes)
    const fresh = stateOf(client)
    desk.take(NOBODY, connectPacket({ clientId: 'a', will: { topic: 't' }, userName: 'user', password: 'secret' }))
    await untilLength(admitted, 1)
    expect(stateOf(client)).toEqual({ ...fresh, _paused: true, _connectTimer: null })
    desk.take(NOBODY, connectPacket({ clientId: 'b', isClean: false }))
    await untilLength(admitted, 2)
    expect(seen).toEqual([
      ['a', true, 4, 'user', 'secret'],
      ['b', false, 4, undefined, undefined],
    ])
    expect(admitted).toEqual(['a', 'b'])
    expect(calls).toEqual([])
  })

  test('takes nothing from whom a client at a desk has admitted when it refuses the next one', async () => {
    const { aedes, calls } = await startAedes(new BrokerPersistence())
    const told: unknown[] = []
    aedes.authorizePublish = (_client, { topic }, done) => {
      told.push(topic)
      done(null)
    }
    aedes.authenticate = (_client, userName, _password, done) => done(null, userName !== 'stranger')
    const { desk, admitted } = deskOf(aedes)
    const listed = new Listed('a', calls)
    aedes.registerClient(listed)
    desk.take(NOBODY, connectPacket({ clientId: 'a', will: { topic: 'will/a' } }))
    await untilLength(admitted, 1)
    desk.take(NOBODY, connectPacket({ clientId: 'a', userName: 'stranger' }))
    await until(
      () => desk.destroyed,
      () => 'the refused one to end',
    )
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    expect(admitted).toEqual(['a'])
    expect(calls).toEqual(['client a'])
    expect(aedes.connectedClients).toBe(1)
    expect(told).toEqual([])
    aedes.unregisterClient(listed)
  })
})

/** Who asks to be admitted. A desk asks nothing of it but to hear of its end. */
class Stranger implements ControlPeer {
  readonly request = { clientId: '', isClean: true, expirySeconds: 0, willBytes: 0, identity: undefined }
  readonly will = undefined
  readonly session = undefined

  get connection(): never {
    throw new Error('a stranger has no connection')
  }

  sessionOpened(): void {}
  admitted(): void {}
  refused(): void {}
  subscribed(): void {}
  unsubscribed(): void {}
  controlEnded(): void {}
}

const NOBODY = new Stranger()

/** A desk of Aedes, and the identifiers of those whom it has admitted. */
function deskOf(aedes: OpenAedes): { readonly desk: Desk; readonly client: AedesClient; readonly admitted: string[] } {
  const admitted: string[] = []
  const clients: AedesClient[] = []
  const desk = new Desk({
    handle(connection) {
      const client = aedes.handle(connection)
      clients.push(client)
      return client
    },
    admit: (_admission: Admission, clientId: string) => void admitted.push(clientId),
    isFree: () => undefined,
  })
  const [client] = clients
  if (client === undefined) throw new Error('the desk has asked for no client')
  return { desk, client, admitted }
}

/** All that the client holds; of its objects those that could be filled for somebody, and what stands in them. */
function stateOf(client: AedesClient): Record<string, unknown> {
  const state: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(client)) {
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) state[name] = value
    else if (value instanceof Set) state[name] = [...value]
    else if (Object.getPrototypeOf(value) === null || Array.isArray(value)) state[name] = { ...value }
  }
  return state
}

async function untilLength(list: readonly unknown[], length: number): Promise<void> {
  await until(
    () => list.length >= length,
    () => `${length} clients to be admitted`,
  )
}
