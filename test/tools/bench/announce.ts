// How the servers of the benchmark say where they listen: in the words of the hub.
import type { Server } from 'node:net'

/** Listens on a free port and prints it; ends the process when whoever started it has gone. */
export function announce(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') {
      process.stdout.write(`MQTT           mqtt://127.0.0.1:${address.port}\n`)
    }
  })
  process.stdin.on('end', () => process.exit(0)).resume()
}
