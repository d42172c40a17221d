import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = rootOf(fileURLToPath(import.meta.url))
/** Below the ports that the system gives to outgoing connections: a client could else connect to itself. */
const FIRST_PORT = 20_000
const LAST_PORT = 30_000

/** The built hub, and where the compiled programs of the torture are; both are the same from source and from dist. */
export const HUB_CLI = join(ROOT, 'dist/hub/main.js')
const PROGRAMS = join(ROOT, 'dist/torture/test/tools/torture')

/**
 * The temporary folder of a run and all processes it started. Whatever happens to the run, none of them outlives it: the
 * children end with their input, hubs are killed by a watchdog.
 */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'hubbub-torture-'))
  readonly #isKept: boolean
  readonly #cleanups: (() => void)[] = []
  readonly #children = new Set<ChildProcess>()
  readonly #watchdog: ChildProcessWithoutNullStreams

  constructor(isKept: boolean) {
    this.#isKept = isKept
    this.#watchdog = this.#spawn([join(PROGRAMS, 'watchdog.js')], {})
  }

  /** Starts one of the programs beside this file. */
  startProgram(name: string, job: object): ChildProcessWithoutNullStreams {
    return this.#spawn([join(PROGRAMS, `${name}.js`), JSON.stringify(job)], process.env)
  }

  /** Starts a hub without waiting for it. Its working folder and environment have no configuration in them. */
  startHub(args: readonly string[], nodeArgs: readonly string[] = []): ChildProcessWithoutNullStreams {
    return this.startServer(process.execPath, [...nodeArgs, HUB_CLI, ...args])
  }

  /** Starts a program that does not end with its input. */
  startServer(path: string, args: readonly string[]): ChildProcessWithoutNullStreams {
    const child = this.#spawn(args, { PATH: process.env['PATH'] }, path)
    const { pid } = child
    if (pid !== undefined) {
      this.#watchdog.stdin.write(`+${pid}\n`)
      child.once('exit', () => this.#watchdog.stdin.write(`-${pid}\n`))
    }
    return child
  }

  /** Has `cleanup` called when all processes are gone, before the folder is. */
  onClose(cleanup: () => void): void {
    this.#cleanups.push(cleanup)
  }

  /** Kills every process, by its own id, and removes the folder. */
  async close(): Promise<void> {
    await Promise.all([...this.#children].map((child) => endProcess(child)))
    for (const cleanup of this.#cleanups.splice(0)) cleanup()
    if (!this.#isKept) rmSync(this.folder, { recursive: true, force: true })
  }

  #spawn(args: readonly string[], env: NodeJS.ProcessEnv, path = process.execPath): ChildProcessWithoutNullStreams {
    const child = spawn(path, args, { cwd: this.folder, env })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    child.stdin.on('error', () => undefined) // it has ended
    return child
  }
}

/**
 * A port that is free now and that the system gives to nobody by itself, so that a hub can come back to it. Of no seed: runs with the
 * same one at the same time would take the same port.
 */
export async function findPort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

/** The repository, from test/tools/torture as from dist/torture/test/tools/torture. */
function rootOf(file: string): string {
  const end = file.lastIndexOf(join('test', 'tools', 'torture'))
  const root = file.slice(0, end)
  const built = join('dist', 'torture', '/')
  return root.endsWith(built) ? root.slice(0, -built.length) : root
}
