import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ApiClient, fieldOf } from '../../support/api.ts'
import { startHubWithHttp } from '../../support/start-hub.ts'
import { connectPacket } from '../../support/packets.ts'
import { join, message } from '../../support/steps.ts'

/** Sends bytes to a port and waits until the hub has closed the connection. */
async function send(port: number, bytes: string | Buffer): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.resume()
  socket.on('error', () => {})
  socket.write(bytes)
  await new Promise((resolve) => {
    socket.once('close', resolve)
  })
}

const REQUEST = 'GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:1883\r\nUser-Agent: a browser with a long name\r\n\r\n'
const TLS = Buffer.from('16030100050100000100', 'hex')

async function mishapsOf(httpPort: number): Promise<unknown> {
  return fieldOf(await new ApiClient(httpPort).get('/mishaps'), 'mishaps')
}

test('GET /api/v1/mishaps tells of HTTP on the port for MQTT and of MQTT on the port for HTTP, the newest first', async () => {
  const { port, httpPort } = await startHubWithHttp()
  expect(await mishapsOf(httpPort)).toEqual([])
  await send(port, REQUEST)
  await send(httpPort, connectPacket({ clientId: 'lost' }))
  expect(await mishapsOf(httpPort)).toEqual([
    expect.objectContaining({ kind: 'mqtt-on-http', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) }),
    {
      atMs: expect.any(Number),
      kind: 'http-on-mqtt',
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      clientId: null,
      reason: 'an HTTP request came to the port for MQTT',
    },
  ])
})

test('GET /api/v1/mishaps tells of TLS on ports without', async () => {
  const { port, httpPort } = await startHubWithHttp()
  await send(port, TLS)
  await send(httpPort, TLS)
  expect(await mishapsOf(httpPort)).toMatchObject([{ kind: 'tls-on-http' }, { kind: 'tls-on-mqtt' }])
})

const PROXY_V1 = 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n'
const PROXY_V2 = Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex')

test.each([
  ['version 1', Buffer.from(PROXY_V1)],
  ['version 1 with a CONNECT behind it', Buffer.concat([Buffer.from(PROXY_V1), connectPacket({ clientId: 'lost' })])],
  ['version 2', PROXY_V2],
])(
  'GET /api/v1/mishaps tells of a PROXY protocol header, %s, on either port, and the log does',
  async (_what, bytes) => {
    const { log, port, httpPort } = await startHubWithHttp()
    await send(port, bytes)
    await send(httpPort, bytes)
    expect(await mishapsOf(httpPort)).toMatchObject([{ kind: 'proxy-protocol' }, { kind: 'proxy-protocol' }])
    const told = log.lines.items
      .filter(({ text }) => text === 'connection closed')
      .map(({ fields }) => fields['reason'])
    expect(told).toEqual(Array.from({ length: 2 }, () => expect.stringContaining('PROXY protocol')))
  },
)

test('GET /api/v1/mishaps tells of a short HTTP request on the port for MQTT at once', async () => {
  const { port, httpPort } = await startHubWithHttp()
  await send(port, 'GET / HTTP/1.0\r\n\r\n')
  expect(await mishapsOf(httpPort)).toMatchObject([{ kind: 'http-on-mqtt' }])
})

test('GET /api/v1/mishaps tells who was refused and who broke a rule, but not who just went', async () => {
  const { port, httpPort } = await startHubWithHttp()
  ;(await join(port, 'gone')).destroy()
  await send(port, connectPacket({ clientId: '', isClean: false }))
  const careless = await join(port, 'careless')
  careless.send(message('home/+/lamp'))
  await careless.untilClosed()
  await expect
    .poll(() => mishapsOf(httpPort))
    .toMatchObject([
      { kind: 'protocol-error', clientId: 'careless', reason: expect.stringContaining('+') },
      { kind: 'connect-refused', reason: expect.stringContaining('client identifier is empty') },
    ])
})

test('GET /api/v1/mishaps tells of WebSockets at a wrong path, and keeps no more than 50', async () => {
  const { port, httpPort } = await startHubWithHttp()
  for (let index = 0; index < 51; index++) await send(port, REQUEST)
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nHost: localhost\r\n'
  await send(httpPort, `GET /ws HTTP/1.1\r\n${upgrade}\r\n`)
  const mishaps = await mishapsOf(httpPort)
  expect(mishaps).toHaveLength(50)
  expect(mishaps).toMatchObject({ 0: { kind: 'websocket-refused', reason: 'MQTT over WebSocket is at /mqtt.' } })
})

test('GET /api/v1/addresses tells where the hub listens', async () => {
  const { port, httpPort } = await startHubWithHttp()
  const { body } = await new ApiClient(httpPort).get('/addresses')
  expect(body).toEqual({
    mqtt: { host: '127.0.0.1', port },
    isMqttEncrypted: false,
    http: { host: '127.0.0.1', port: httpPort },
  })
})
