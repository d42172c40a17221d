import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../../../../', import.meta.url))

/** A hub as people run it, in a process and a folder of its own, on ports that the system gives. */
export class HubProcess {
  port = 0
  httpPort = 0
  readonly #program: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'hubbub-page-'))
  #child: ChildProcess | undefined

  /** `program`: `hub/main.js` is the hub alone, `devices/start.js` has the devices of a house beside it. */
  constructor(program: 'hub/main.js' | 'devices/start.js' = 'hub/main.js') {
    this.#program = join(DIST, program)
  }

  /** Starts it; a second time on the same ports and data. */
  async start(): Promise<void> {
    const ports = ['--port', String(this.port), '--http-port', String(this.httpPort)]
    const child = spawn(
      process.execPath,
      [this.#program, ...ports, '--data', join(this.#folder, 'data'), '--log-level', 'error'],
      {
        cwd: this.#folder,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error('the hub did not start')))
      // Read to the end: what nobody reads would stop it.
      createInterface({ input: child.stdout }).on('line', (line) => {
        const [, name, port = '0'] = /(MQTT|HTTP) +\w+:\/\/[^\s:]+:(\d+)/.exec(line) ?? []
        if (name === 'MQTT') this.port = Number(port)
        if (name !== 'HTTP') return
        this.httpPort = Number(port)
        resolve()
      })
    })
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** Ends it, and takes its folder away. */
  async remove(): Promise<void> {
    await this.end()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
