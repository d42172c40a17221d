import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { onTestFinished } from 'vitest'
import { watchLeftovers } from './leftovers.ts'

/** Aedes alone on TCP, with its defaults: the control in tests of what the hub mends. */
export interface BareAedes {
  readonly port: number
  readonly broker: Aedes
}

/** Starts bare Aedes on 127.0.0.1; it is closed when the test that started it ends. */
export async function startBareAedes(options?: Parameters<typeof Aedes.createBroker>[0]): Promise<BareAedes> {
  const leftovers = watchLeftovers()
  const broker = await Aedes.createBroker(options)
  const server = createServer((socket) => {
    // Aedes hears of errors only once it has the CONNECT.
    socket.on('error', () => undefined)
    broker.handle(socket)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(async () => {
    await Promise.all([
      new Promise<void>((resolve) => {
        broker.close(resolve)
      }),
      new Promise((resolve) => {
        server.close(resolve)
      }),
    ])
    leftovers.forget() // what Aedes leaves for a second is not ours to mend
  })
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('bare Aedes does not listen on a port')
  return { port: address.port, broker }
}
