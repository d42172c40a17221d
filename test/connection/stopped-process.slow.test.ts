import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { PINGREQ } from '../support/packets.ts'
import { startProcess } from '../support/processes.ts'
import { join, leave } from '../support/steps.ts'

const HUB = joinPath(fileURLToPath(new URL('../..', import.meta.url)), 'dist/hub/main.js')

test('A hub that was stopped for longer than the keep-alive, as by "docker pause", ends no client that spoke meanwhile', async () => {
  const hub = await startProcess(process.execPath, [HUB, '--port', '0', '--http-port', '0', '--data', 'memory'])
  const [, port] = await hub.untilLine(/mqtt:\/\/[^\s:]+:(\d+)/)
  const names = Array.from({ length: 20 }, (_, i) => `client-${i}`)
  const clients = await Promise.all(names.map((name) => join(Number(port), name, { keepAliveSeconds: 1 })))
  const mute = await join(Number(port), 'mute', { keepAliveSeconds: 1 })
  const pings = setInterval(() => {
    for (const client of clients) client.send(PINGREQ)
  }, 200)
  process.kill(hub.pid ?? 0, 'SIGSTOP')
  await new Promise((resolve) => {
    setTimeout(resolve, 3000)
  })
  process.kill(hub.pid ?? 0, 'SIGCONT')
  // Who was mute is ended: so all the others have been judged.
  await mute.untilClosed()
  clearInterval(pings)
  expect(clients.filter(({ isClosed }) => isClosed)).toEqual([])
  await Promise.all(clients.map((client) => leave(client)))
})
