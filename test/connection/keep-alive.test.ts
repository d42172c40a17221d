import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { SilenceWatch } from '../../src/connection/silence-watch.ts'
import { packet, PINGREQ } from '../support/packets.ts'
import { Bystander, join, leave, message, reasonsOf, untilReason } from '../support/steps.ts'
import { startHub } from '../support/start-hub.ts'

const EXPIRED = /nothing came for one and a half times the keep-alive/

describe('Keep-alive', () => {
  test('ends a client that says nothing for one and a half times its seconds [MQTT-3.1.2-24]', async () => {
    const { log, port } = await startHub()
    const bystander = await Bystander.join(port)
    const client = await join(port, 'silent', { keepAliveSeconds: 1 })
    await client.untilClosed()
    await untilReason(log, EXPIRED)
    await bystander.expectUntouched()
  })

  test.each([
    ['MQTT 3.1.1', undefined],
    ['MQTT 5', []],
  ])(
    'of %s is waited for one and a half times its seconds, and no less [MQTT-3.1.2-24] [MQTT5-3.1.2-22]',
    async (_version, properties) => {
      const waiting = vi.spyOn(SilenceWatch.prototype, 'wait')
      onTestFinished(() => waiting.mockRestore())
      const { port } = await startHub()
      const client = await join(port, 'c', { keepAliveSeconds: 60, properties })
      await client.restBeforePingresp()
      expect(waiting.mock.calls.map(([, ms]) => ms).filter((ms) => ms >= 60_000)).toEqual([90_000])
    },
  )

  test('counts anything from the client, so that a busy publisher without PINGREQ stays [MQTT-3.1.2-23]', async () => {
    const { log, port } = await startHub()
    const busy = await join(port, 'busy', { keepAliveSeconds: 1 })
    const pinging = await join(port, 'pinging', { keepAliveSeconds: 1 })
    const silent = await join(port, 'silent', { keepAliveSeconds: 2 })
    // The silent one goes after three seconds: twice what the others might be silent.
    const talk = setInterval(() => {
      busy.send(message('t', 'x'))
      pinging.send(PINGREQ)
    }, 100)
    await silent.untilClosed()
    clearInterval(talk)
    expect(reasonsOf(log)).toHaveLength(1)
    expect(await busy.restBeforePingresp()).toEqual([])
    expect(pinging.isClosed).toBe(false)
    await leave(busy)
  })

  test('is not counted by what the hub sends', async () => {
    const { hub, log, port } = await startHub()
    const client = await join(port, 'listening', { keepAliveSeconds: 1 })
    await client.subscribe(['t', 0])
    const talk = setInterval(() => void hub.publish('t', 'x'), 100)
    await client.untilClosed()
    clearInterval(talk)
    await untilReason(log, EXPIRED)
  })

  test('of 0 is none: the client is outlived by one that has a keep-alive', async () => {
    const { log, port } = await startHub()
    const patient = await join(port, 'patient', { keepAliveSeconds: 0 })
    const silent = await join(port, 'silent', { keepAliveSeconds: 1 })
    await silent.untilClosed()
    expect(await patient.restBeforePingresp()).toEqual([])
    expect(reasonsOf(log)).toHaveLength(1)
  })

  test('counts half a packet as word from the client', async () => {
    const { port } = await startHub()
    const slow = await join(port, 'slow', { keepAliveSeconds: 1 })
    const silent = await join(port, 'silent', { keepAliveSeconds: 2 })
    const bytes = message('t', 'x'.repeat(100))
    let sent = 0
    const drip = setInterval(() => slow.send(bytes.subarray(sent, ++sent)), 200)
    await silent.untilClosed()
    clearInterval(drip)
    slow.send(bytes.subarray(sent))
    expect(await slow.restBeforePingresp()).toEqual([])
  })
})

describe('PINGREQ', () => {
  test('is answered with PINGRESP, each one [MQTT-3.12.4-1]', async () => {
    const { port } = await startHub()
    const client = await join(port, 'c')
    client.send(PINGREQ, PINGREQ)
    expect(await client.next('PINGRESP')).toMatchObject({ bytes: packet('PINGRESP', 0, Buffer.alloc(0)) })
    expect(await client.next('PINGRESP')).toMatchObject({ flags: 0 })
  })
})
