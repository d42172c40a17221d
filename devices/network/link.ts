import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import websocketStream from 'websocket-stream'
import { DelayedStream } from './delayed-stream.ts'

/** The bytes between a device and the broker. */
export interface Link {
  readonly stream: Duplex
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>
  /** Ends it as a pulled plug does: nothing more is said, what was not sent yet is lost. */
  cut(): void
}

export type LinkOpener = () => Link

/** What each scheme of a broker's address stands for, and its port. */
export const SCHEMES: ReadonlyMap<string, { readonly isWebSocket: boolean; readonly port: number }> = new Map([
  ['mqtt:', { isWebSocket: false, port: 1883 }],
  ['mqtts:', { isWebSocket: false, port: 8883 }],
  ['ws:', { isWebSocket: true, port: 80 }],
  ['wss:', { isWebSocket: true, port: 443 }],
])

/** Opens a link to the broker at a URL of one of SCHEMES. With a latency, bytes take that many milliseconds in each direction. */
export function openLink(url: URL, latencyMs = 0): Link {
  const link = SCHEMES.get(url.protocol)?.isWebSocket === true ? openWebSocket(url) : openSocket(url)
  if (latencyMs <= 0) return link
  const stream = new DelayedStream(link.stream, latencyMs)
  return {
    stream,
    closed: untilClosed(stream),
    cut: () => {
      stream.destroy()
      link.cut()
    },
  }
}

function openSocket(url: URL): Link {
  const port = url.port === '' ? (SCHEMES.get(url.protocol)?.port ?? 1883) : Number(url.port)
  // An IPv6 address stands in brackets in a URL only.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = url.protocol === 'mqtts:' ? connectTls({ host, port, servername: host }) : connectTcp({ host, port })
  socket.setNoDelay(true)
  return { stream: socket, closed: untilClosed(socket), cut: () => void socket.destroy() }
}

function openWebSocket(url: URL): Link {
  const stream = websocketStream(url.href, ['mqtt'], { perMessageDeflate: false })
  return {
    stream,
    closed: untilClosed(stream),
    cut: () => {
      stream.socket.terminate()
      stream.destroy()
    },
  }
}

async function untilClosed(stream: Duplex): Promise<void> {
  // Of these streams not all can be asked later.
  await new Promise<void>((resolve) => {
    stream.once('close', () => resolve())
  })
}
