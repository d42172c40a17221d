import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { join5, publishAcknowledged } from './steps5.ts'
import type { ConnectFields } from '../support/packets.ts'
import { Id } from '../support/properties.ts'
import { openRawClient, type RawClient } from '../support/raw-client.ts'
import { expectLedgerBalanced, leave, lose, takePayloads } from '../support/steps.ts'
import { startHub, type TestHub } from '../support/start-hub.ts'

const NEVER = 0xffffffff

function expiring(seconds: number, isClean = false): ConnectFields {
  return { isClean, properties: [[Id.SESSION_EXPIRY, seconds]] }
}

/** Connects as `c`, subscribes to `t`, and has a message published there once `end` is done. */
async function stage(
  testHub: TestHub,
  fields: ConnectFields,
  end: (client: RawClient) => Promise<void>,
): Promise<void> {
  const client = await join5(testHub.port, 'c', fields)
  await client.subscribe(['t', 1])
  await end(client)
  await publishAcknowledged(await join5(testHub.port, 'publisher'), 't', 'waits')
}

/** Whether the session of `c` was there, and what it held. */
async function comeBack(port: number): Promise<readonly [isPresent: boolean, payloads: string[]]> {
  const client = await openRawClient(port, 5)
  const { isSessionPresent } = await client.connect({ clientId: 'c', ...expiring(1000) })
  return [isSessionPresent, await takePayloads(client)]
}

/** Waits until the session has ended with the one message that it held. */
async function untilEnded({ hub }: TestHub): Promise<void> {
  await until(
    () => hub.ledger.dropped['session-ended'] === 1,
    () => 'the session to end',
  )
}

describe('Session Expiry', () => {
  test.each([
    ['100', expiring(100)],
    ['the highest value, which is never', expiring(NEVER)],
    ['100 with Clean Start', expiring(100, true)],
  ])('of %s keeps the session when the connection ends [MQTT-3.1.2-23]', async (_what, fields) => {
    const testHub = await startHub()
    await stage(testHub, fields, leave)
    expect(await comeBack(testHub.port)).toEqual([true, ['waits']])
  })

  test('keeps the session when the connection is lost, too [MQTT-3.1.2-23]', async () => {
    const testHub = await startHub()
    await stage(testHub, expiring(100), async (client) => lose(testHub.log, client))
    expect(await comeBack(testHub.port)).toEqual([true, ['waits']])
  })

  test.each([
    ['0', expiring(0)],
    ['0 with Clean Start', expiring(0, true)],
    ['nothing', { isClean: false }],
  ])('of %s ends the session with the connection [MQTT-4.1.0-2]', async (_what, fields) => {
    const testHub = await startHub()
    await stage(testHub, fields, leave)
    expect(await comeBack(testHub.port)).toEqual([false, []])
  })

  test('that is over ends the session, and what it held is counted [MQTT-4.1.0-2]', async () => {
    const testHub = await startHub()
    await stage(testHub, expiring(1), leave)
    await untilEnded(testHub)
    expectLedgerBalanced(testHub)
    expect(await comeBack(testHub.port)).toEqual([false, []])
  })

  test('that is over ends the session for a client that comes back before the hub has looked [MQTT-4.1.0-2]', async () => {
    const testHub = await startHub()
    await stage(testHub, expiring(1), leave)
    const publishedAtMs = performance.now()
    await until(
      () => performance.now() - publishedAtMs > 1001,
      () => 'a second to pass',
    )
    expect(await comeBack(testHub.port)).toEqual([false, []])
    expect(testHub.hub.ledger.dropped['session-ended']).toBe(1)
    expectLedgerBalanced(testHub)
  })

  test('does not run while the client is there [MQTT-4.1.0-1]', async () => {
    const testHub = await startHub()
    const { port } = testHub
    const staying = await join5(port, 'staying', expiring(1))
    await staying.subscribe(['t', 1])
    await stage(testHub, expiring(1), leave)
    await untilEnded(testHub)
    expect(await takePayloads(staying)).toEqual(['waits'])
  })

  test('begins anew with each connection', async () => {
    const testHub = await startHub()
    const { port } = testHub
    await stage(testHub, expiring(1), leave)
    const back = await openRawClient(port, 5)
    expect(await back.connect({ clientId: 'c', ...expiring(1000) })).toMatchObject({ isSessionPresent: true })
    await leave(back)
    // Another one that expires after a second has ended by the time the first one would have.
    const other = await join5(port, 'other', expiring(1))
    await other.subscribe(['other', 1])
    await leave(other)
    await publishAcknowledged(await join5(port, 'publisher'), 'other', 'x')
    await untilEnded(testHub)
    expect(await comeBack(port)).toEqual([true, ['waits']])
  })

  test('is no longer than limits.maxSessionExpirySeconds [MQTT-4.1.0-2]', async () => {
    const testHub = await startHub({ config: { limits: { maxSessionExpirySeconds: 1 } } })
    await stage(testHub, expiring(NEVER), leave)
    await untilEnded(testHub)
    expect(await comeBack(testHub.port)).toEqual([false, []])
  })

  test('can be made shorter by the DISCONNECT, down to 0 [MQTT-4.1.0-2]', async () => {
    const testHub = await startHub()
    await stage(testHub, expiring(1000), async (client) => leave(client, 0, [[Id.SESSION_EXPIRY, 0]]))
    expect(await comeBack(testHub.port)).toEqual([false, []])
    await stage(testHub, expiring(1000), async (client) => leave(client, 0, [[Id.SESSION_EXPIRY, 1]]))
    await untilEnded(testHub)
    expect(await comeBack(testHub.port)).toEqual([false, []])
  })

  test('can be made longer by the DISCONNECT where it was not 0 [MQTT-3.1.2-23]', async () => {
    const testHub = await startHub()
    await stage(testHub, expiring(1), async (client) => leave(client, 0, [[Id.SESSION_EXPIRY, 1000]]))
    const other = await join5(testHub.port, 'other', expiring(1))
    await other.subscribe(['other', 1])
    await leave(other)
    await publishAcknowledged(await join5(testHub.port, 'publisher'), 'other', 'x')
    await untilEnded(testHub)
    expect(await comeBack(testHub.port)).toEqual([true, ['waits']])
  })
})
