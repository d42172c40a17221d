import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { requireTool } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { startProcess, type TestProcess } from './processes.ts'

export interface MosquittoBroker {
  readonly port: number
  readonly process: TestProcess
}

/** Starts a Mosquitto that publishes `$SYS` every second, and gives its port; it is ended with the test. `settings`: further lines. */
export async function startMosquittoBroker(settings: readonly string[] = []): Promise<number> {
  return (await runMosquittoBroker(settings)).port
}

/** The same, for who ends it himself. */
export async function runMosquittoBroker(settings: readonly string[]): Promise<MosquittoBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-mosquitto-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  // As root it would change to a user that only its installed package makes.
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'user root',
    'sys_interval 1',
    'log_dest stdout',
    ...settings,
    '',
  ]
  writeFileSync(file, lines.join('\n'))
  const process = await startProcess('stdbuf', ['-oL', requireTool('mosquitto'), '-c', file])
  await process.untilLine(/ running$/)
  return { port, process }
}
