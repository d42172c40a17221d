import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { PasswordHasher } from '../src/auth/passwords/password-hasher.ts'
import { readOwnRules } from '../src/auth/users/own-rules.ts'
import { UserChanges } from '../src/auth/users/user-changes.ts'
import { UsersFile } from '../src/auth/users/users-file.ts'
import { connectPacket } from './support/packets.ts'
import { byLabel, scrapeSamples } from './support/scrape.ts'
import { startHub } from './support/start-hub.ts'

const ACCEPTED = '20020000'
const BAD_USER_NAME_OR_PASSWORD = '20020004'

/** What the hub answers, in hex, to one CONNECT from an address that a proxy names; empty: it closed without a word. */
function answerTo(port: number, host: string, userName: string, password: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes.toString('hex')
      if (answer === ACCEPTED) socket.end(Buffer.from([0xe0, 0]))
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
    socket.write(`PROXY TCP4 ${host} 192.0.2.1 50000 1883\r\n`)
    socket.write(connectPacket({ clientId: userName, userName, password }))
  })
}

test('Who guesses is turned away before a word after 20 failures, and nobody else', async () => {
  const data = mkdtempSync(join(tmpdir(), 'hubbub-guessing-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const hasher = new PasswordHasher()
  onTestFinished(() => hasher.close())
  const file = new UsersFile({ path: join(data, 'users.ndjson'), name: 'users', readRules: readOwnRules })
  const { secret = '' } = await new UserChanges({ file, hasher, nowMs: Date.now }).add('dev', 'secret')
  const trustedProxies = ['127.0.0.1']
  const listeners = [{ kind: 'mqtt', host: '127.0.0.1', port: 0, proxyProtocol: true, trustedProxies }] as const
  const { port, hub } = await startHub({ config: { data, listeners } })
  // Behind one address with somebody who guesses.
  expect(await answerTo(port, '192.0.2.9', 'dev', secret)).toBe(ACCEPTED)
  const answers = await Promise.all(
    ['192.0.2.8', '192.0.2.9'].flatMap((host) =>
      Array.from({ length: 20 }, (_, i) => answerTo(port, host, `user ${i}`, 'a guess')),
    ),
  )
  expect(new Set(answers)).toEqual(new Set([BAD_USER_NAME_OR_PASSWORD]))
  expect(await answerTo(port, '192.0.2.8', 'dev', secret)).toBe('')
  expect(await answerTo(port, '192.0.2.7', 'dev', secret)).toBe(ACCEPTED)
  expect(await answerTo(port, '192.0.2.9', 'dev', secret)).toBe(ACCEPTED)
  const failures = byLabel(await scrapeSamples(hub.metrics), 'hubbub_sign_in_failures_total')
  expect(failures).toMatchObject({ wrong: 40, 'turned-away': 1, busy: 0 })
})
