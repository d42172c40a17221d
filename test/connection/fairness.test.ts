import { describe, expect, test } from 'vitest'
import { until } from '../support/guard.ts'
import { publishPacket } from '../support/packets.ts'
import { CARRIERS, openRawWebSocketClient } from '../support/raw-client.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { join, message } from '../support/steps.ts'

/** Some 1 MB, which Node would read in one turn. A share of a turn has 6,000 of them, and the quiet pair needs a few turns. */
const FLOOD_MESSAGES = 100_000
/** Some 1,000,000 bytes, which a client may send in one WebSocket message. */
const FRAME_MESSAGES = 83_000
const HANDLED_MS = 40_000

describe.each(CARRIERS)('Hub beside a client that writes as fast as it can over $name', ({ open }) => {
  test('delivers what a quiet pair says long before all that the other has written', { timeout: 60_000 }, async () => {
    const hub = await startHubWithHttp()
    const receiver = await join(hub.port, 'receiver')
    await receiver.subscribe(['quiet', 0])
    const sender = await join(hub.port, 'sender')
    const flooder = await open(hub)
    await flooder.connect({ clientId: 'flooder' })
    const chunk = Array.from({ length: FLOOD_MESSAGES / 100 }, (_, i) =>
      publishPacket({ topic: `f/${i}`, payload: 'x' }),
    )

    for (let i = 0; i < 100; i++) flooder.send(...chunk)
    sender.send(message('quiet', 'me too'))
    await receiver.next('PUBLISH')
    const { received } = hub.hub.ledger
    expect(received[0]).toBeLessThan(FLOOD_MESSAGES / 3)
    await until(
      () => received[0] === FLOOD_MESSAGES + 1,
      () => `${FLOOD_MESSAGES + 1} messages, got ${received[0]}`,
      HANDLED_MS,
    )
  })
})

test(
  'Hub delivers what a quiet pair says amid the packets of one large WebSocket message',
  { timeout: 60_000 },
  async () => {
    const hub = await startHubWithHttp()
    const receiver = await join(hub.port, 'receiver')
    await receiver.subscribe(['quiet', 0])
    const sender = await join(hub.port, 'sender')
    const flooder = await openRawWebSocketClient(hub.httpPort)
    await flooder.connect({ clientId: 'flooder' })
    const packets = Array.from({ length: FRAME_MESSAGES }, (_, i) => publishPacket({ topic: 'f/1', payload: `${i}` }))

    flooder.send(Buffer.concat(packets))
    const { received } = hub.hub.ledger
    await until(
      () => (received[0] ?? 0) > 0,
      () => 'the first message of the large one',
      HANDLED_MS,
    )
    sender.send(message('quiet', 'me too'))
    await receiver.next('PUBLISH')
    expect(received[0]).toBeLessThan(FRAME_MESSAGES)
    await until(
      () => received[0] === FRAME_MESSAGES + 1,
      () => `${FRAME_MESSAGES + 1} messages, got ${received[0]}`,
      HANDLED_MS,
    )
  },
)
