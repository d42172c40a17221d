import { connect, type Socket } from 'node:net'
import { join as joinPath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { GUARD_MS, until } from '../support/guard.ts'
import { ask } from '../support/http-request.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { join, leave } from '../support/steps.ts'

const HUB = joinPath(fileURLToPath(new URL('../..', import.meta.url)), 'dist/hub/main.js')
const OPEN_FILES = 200
/** More than the hub may have files. */
const STRANGERS = 300

/** A hub that may have `openFiles` files open: "ulimit -n" sets both the soft limit and the hard one. */
function startWith(openFiles: number): Promise<TestProcess> {
  const command = `ulimit -n ${openFiles}; exec "$0" "$@"`
  const args = [HUB, '--port', '0', '--http-port', '0', '--data', 'memory']
  return startProcess('sh', ['-c', command, process.execPath, ...args])
}

function warnings({ stderr }: TestProcess): number {
  return stderr.items.filter((line) => line.includes('may not open more files')).length
}

test('A hub that may not open more files takes no more clients, says so once, and answers HTTP meanwhile', async () => {
  const hub = await startWith(OPEN_FILES)
  const [, port] = await hub.untilLine(/mqtt:\/\/[^\s]+:(\d+)/)
  const [, httpPort] = await hub.untilLine(/HTTP +http:\/\/[^\s]+:(\d+)/)
  const early = await join(Number(port), 'early')
  let closed = 0
  const strangers: Socket[] = []
  onTestFinished(() => {
    for (const stranger of strangers) stranger.destroy()
  })
  for (let i = 0; i < STRANGERS; i++) {
    const stranger = connect(Number(port), '127.0.0.1')
    stranger.on('error', () => undefined).on('close', () => closed++)
    strangers.push(stranger)
  }
  await until(
    () => closed >= STRANGERS - OPEN_FILES,
    () => `connections to be closed, ${closed} were`,
  )
  expect(await early.restBeforePingresp()).toEqual([])
  const { status, text } = await ask(Number(httpPort), { path: '/metrics' })
  expect(status).toBe(200)
  expect(text).toMatch(/limit="open-files"\} [1-9]/)
  expect((await ask(Number(httpPort), { path: '/api/v1/mishaps' })).text.match(/"open-files"/g)).toHaveLength(1)
  expect(warnings(hub)).toBe(1)

  for (const stranger of strangers) stranger.destroy()
  // Closed here is not yet closed there: the hub's own count says when it has room.
  await vi.waitUntil(
    async () => (await ask(Number(httpPort), { path: '/metrics' })).text.includes('\nhubbub_connections 1\n'),
    { timeout: GUARD_MS },
  )
  await leave(await join(Number(port), 'late'))
  await leave(early)
})

test('A hub that may open too few files to do anything says how many it needs, and does not start', async () => {
  const hub = await startWith(100)
  expect(await hub.untilExit()).toEqual({ code: 1, signal: null })
  expect(hub.stderr.items.join('\n')).toMatch(/at least 128 are required, "ulimit -n" is 100; raise it/)
})
