import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startProcess } from '../support/processes.ts'
import { codeBlocks, readPage, ROOT } from './pages.ts'

/** How long programs may take to start while other tests run. */

test('README.md shows what npm start prints, and the commands in it do what it says', async () => {
  const [shown = ''] = codeBlocks(readPage('README.md'), 'text')
  const lines = shown.trimEnd().split('\n')
  const data = mkdtempSync(join(tmpdir(), 'hubbub-readme-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const flags = ['--port', '0', '--http-port', '0', '--data', data, '--log-level', 'warn']
  const started = await startProcess('npm', ['start', '--silent', '--', ...flags], { cwd: ROOT })
  // What a test starts is killed at its end, but npm would leave the hub behind then.
  onTestFinished(async () => {
    await started.end()
  })
  await started.untilLine(/simulated devices/)
  const printed = started.stdout.items
  const [, port = ''] = /MQTT +mqtt:\/\/localhost:(\d+)/.exec(printed.join('\n')) ?? []
  const [, httpPort = ''] = /HTTP +http:\/\/localhost:(\d+)/.exec(printed.join('\n')) ?? []
  const asShown = (line: string): string => line.replaceAll(port, '1883').replaceAll(httpPort, '8080')
  expect(printed.map(asShown)).toEqual(lines)

  const [subscribe = '', publish = ''] = printed.filter((line) => line.startsWith('  mosquitto_'))
  // Line by line although it is no terminal, and with -d, which tells of the SUBACK.
  const subscriber = await startProcess('bash', ['-c', `exec stdbuf -oL ${subscribe.trim()} -d`])
  await subscriber.untilLine(/received SUBACK/)
  const publisher = await startProcess('bash', ['-c', `exec ${publish.trim()}`])
  expect(await publisher.untilExit()).toEqual({ code: 0, signal: null })
  await subscriber.untilLine(/^hello\/world Hi$/)
  await subscriber.end()
  expect(await started.end()).toMatchObject({ code: 0 })
})
