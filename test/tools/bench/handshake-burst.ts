// Begins so many TLS handshakes at once, says how long it took until the last was finished, and ends.
import { connect } from 'node:tls'

const [, , port = '0', count = '0'] = process.argv
const beganMs = performance.now()
let failed = 0
await Promise.all(
  Array.from(
    { length: Number(count) },
    () =>
      new Promise<void>((resolve) => {
        const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
        socket.once('secureConnect', resolve)
        socket.once('error', () => {
          failed++
          resolve()
        })
      }),
  ),
)
const outcome = { seconds: (performance.now() - beganMs) / 1000, failed }
process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0))
