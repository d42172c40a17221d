import { request } from 'node:http'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { guarded } from './guard.ts'

export interface HttpAnswer {
  /** 101 is an upgrade that was granted. */
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface HttpQuestion {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends one request to 127.0.0.1 and reads the answer to its end. */
export async function ask(
  port: number,
  { method = 'GET', path = '/', headers = {} }: HttpQuestion = {},
): Promise<HttpAnswer> {
  const answer = new Promise<HttpAnswer>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString() })
      })
      response.on('error', reject)
    })
    asked.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text: '' })
    })
    asked.on('error', reject)
    asked.end()
  })
  return guarded(answer, () => `an answer to ${method} ${path}`)
}

/** Headers of a WebSocket upgrade as a browser or an MQTT client sends them. */
export const UPGRADE_HEADERS = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

/** Asks for a WebSocket. */
export async function askUpgrade(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpAnswer> {
  return ask(port, { path, headers: { ...UPGRADE_HEADERS, ...headers } })
}

/** Sends bytes to a port of 127.0.0.1 and gives everything that comes back until the other side closes. */
export async function exchange(port: number, bytes: string | Buffer, guardMs?: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const chunks: Buffer[] = []
  const closed = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
  socket.write(bytes)
  return guarded(closed, () => `the server to close; it sent "${Buffer.concat(chunks).toString('latin1')}"`, guardMs)
}
