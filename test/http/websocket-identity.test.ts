import { once } from 'node:events'
import { connect, type IClientOptions, type IDisconnectPacket, type MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BrowserClient } from '../support/browser.ts'
import { guarded } from '../support/guard.ts'
import { askUpgrade } from '../support/http-request.ts'
import { connectPacket } from '../support/packets.ts'
import { People } from '../support/people.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const PEOPLE = {
  anna: { password: 'secret-of-anna', role: 'operator' },
  lamp: { password: 'secret of lamp' },
} as const

/** Connects; resolves with the client, or the reason code that it was refused with. */
async function connectBy(
  httpPort: number,
  headers: Record<string, string>,
  options: IClientOptions = {},
): Promise<MqttClient | number> {
  const client = connect(`ws://127.0.0.1:${httpPort}/mqtt`, {
    reconnectPeriod: 0,
    protocolVersion: 5,
    wsOptions: { headers },
    ...options,
  })
  onTestFinished(async () => {
    await client.endAsync(true)
  })
  const answered = new Promise<MqttClient | number>((resolve) => {
    client.once('connect', () => resolve(client))
    client.on('error', (error) => resolve('code' in error && typeof error.code === 'number' ? error.code : -1))
  })
  return guarded(answered, () => 'an answer to CONNECT')
}

async function startWith(origins: readonly string[] = []) {
  const people = new People(PEOPLE)
  const started = await startHubWithHttp({ gate: people.gate, config: { websocket: { origins } } })
  const browser = new BrowserClient(started.httpPort)
  await browser.signIn('anna', 'secret-of-anna')
  return { ...started, people, browser }
}

const NOT_AUTHORIZED = 0x87
const BAD_USER_NAME_OR_PASSWORD = 0x86
const ADMINISTRATIVE_ACTION = 0x98

describe('MQTT over WebSocket', () => {
  test('acts as the person who has signed in on the page of this hub', async () => {
    const { browser, httpPort } = await startWith()
    const client = await connectBy(
      httpPort,
      { Origin: browser.origin, Cookie: browser.cookie ?? '' },
      { clientId: 'page' },
    )
    expect(client).toHaveProperty('connected', true)
  })

  test('acts as nobody for a page of another port, or without an origin, though the cookie comes along', async () => {
    const { browser, httpPort } = await startWith(['*'])
    const cookie = browser.cookie ?? ''
    for (const origin of [
      `http://127.0.0.1:1`,
      'https://evil.example',
      browser.origin.replace('http:', 'https:'),
      undefined,
    ]) {
      const headers = { Cookie: cookie, ...(origin !== undefined && { Origin: origin }) }
      expect([origin, await connectBy(httpPort, headers)]).toEqual([origin, expect.any(Number)])
    }
  })

  test('with a user name is a sign-in of its own, on whatever page', async () => {
    const { browser, httpPort } = await startWith()
    const headers = { Origin: browser.origin, Cookie: browser.cookie ?? '' }
    const wrong = await connectBy(httpPort, headers, { username: 'lamp', password: 'wrong' })
    expect([NOT_AUTHORIZED, BAD_USER_NAME_OR_PASSWORD]).toContain(wrong)
    const lamp = await connectBy(httpPort, headers, { username: 'lamp', password: 'secret of lamp' })
    expect(lamp).toHaveProperty('connected', true)
  })

  test('acts as who has a token, and refuses a wrong one before it is a WebSocket', async () => {
    const { httpPort } = await startWith()
    const client = await connectBy(httpPort, { Authorization: 'Bearer secret-of-anna' })
    expect(client).toHaveProperty('connected', true)
    const headers = { 'Sec-WebSocket-Protocol': 'mqtt', Authorization: 'Bearer wrong' }
    expect((await askUpgrade(httpPort, '/mqtt', headers)).status).toBe(401)
  })

  test('ends with the sign-in, and a client of MQTT 5 is told that it was ended by hand', async () => {
    const { browser, httpPort } = await startWith()
    const headers = { Origin: browser.origin, Cookie: browser.cookie ?? '' }
    const client = await connectBy(httpPort, headers, { clientId: 'page' })
    if (typeof client === 'number') throw new Error(`refused: ${client}`)
    const told = new Promise<IDisconnectPacket>((resolve) => void client.once('disconnect', resolve))
    const closed = new Promise<void>((resolve) => void client.once('close', resolve))
    await browser.signOut()
    const { reasonCode } = await guarded(told, () => 'DISCONNECT')
    expect(reasonCode).toBe(ADMINISTRATIVE_ACTION)
    await guarded(closed, () => 'the connection to end')
    // What was there before the CONNECT came is of no use either.
    expect(await connectBy(httpPort, headers)).toEqual(expect.any(Number))
  })

  test('ends for a page that has not sent its CONNECT yet', async () => {
    const { browser, httpPort } = await startWith()
    const webSocket = new WebSocket(`ws://127.0.0.1:${httpPort}/mqtt`, ['mqtt'], {
      headers: { Origin: browser.origin, Cookie: browser.cookie ?? '' },
    })
    onTestFinished(() => webSocket.close())
    await guarded(once(webSocket, 'open'), () => 'the WebSocket to open')
    const closed = once(webSocket, 'close')
    await browser.signOut()
    await guarded(closed, () => 'the WebSocket to end')
  })

  test('lets nobody in whose token was withdrawn before the CONNECT came', async () => {
    const { people, httpPort } = await startWith()
    const webSocket = new WebSocket(`ws://127.0.0.1:${httpPort}/mqtt`, ['mqtt'], {
      headers: { Authorization: 'Bearer secret-of-anna' },
    })
    onTestFinished(() => webSocket.close())
    await guarded(once(webSocket, 'open'), () => 'the WebSocket to open')
    people.change('anna', undefined)
    const answer = once(webSocket, 'message')
    webSocket.send(connectPacket({ clientId: 'page' }))
    const [connack] = await guarded(answer, () => 'CONNACK')
    expect(Buffer.from(connack)[3]).toBe(4)
  })
})
