import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { Collected, START_GUARD_MS, guarded } from './guard.ts'

export interface ProcessExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ProcessOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** A child process with its output by lines; it is ended, by its own id, when the test that started it ends. */
export class TestProcess {
  readonly stdout = new Collected<string>('lines of output')
  readonly stderr = new Collected<string>('lines of error output')
  readonly exited: Promise<ProcessExit>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #command: string

  constructor(child: ChildProcessWithoutNullStreams, command: string) {
    this.#child = child
    this.#command = command
    createInterface({ input: child.stdout }).on('line', (line) => this.stdout.push(line))
    createInterface({ input: child.stderr }).on('line', (line) => this.stderr.push(line))
    // 'close' comes when the output is read to its end, 'exit' may come before.
    this.exited = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Writes to its standard input and closes it. */
  endInput(bytes: Buffer | string): void {
    this.#child.stdin.end(bytes)
  }

  /** Waits for a line of standard output. Lines that were there before count. */
  async untilLine(pattern: RegExp, guardMs = START_GUARD_MS): Promise<RegExpExecArray> {
    const found = this.stdout.firstThat((line) => pattern.exec(line) ?? undefined)
    const ended = this.exited.then(() => undefined)
    const match = await guarded(Promise.race([found, ended]), () => this.#state(`a line ${String(pattern)}`), guardMs)
    if (match === undefined) throw new Error(this.#state(`no line ${String(pattern)} before the end`))
    return match
  }

  /** Waits until it ends by itself. */
  async untilExit(guardMs = START_GUARD_MS): Promise<ProcessExit> {
    return guarded(this.exited, () => this.#state('its end'), guardMs)
  }

  /** Asks it to end and waits. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<ProcessExit> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal)
    return this.untilExit()
  }

  #state(what: string): string {
    const output = [...this.stdout.items.slice(-10), ...this.stderr.items.slice(-10)].join('\n  ')
    return `${what} of "${this.#command}"; its last output is:\n  ${output}`
  }
}

/** Starts a program. Rejects if there is none of that name. */
export async function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<TestProcess> {
  const { env, cwd } = options
  const child = spawn(command, args, {
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
  })
  const testProcess = new TestProcess(child, [command, ...args].join(' ').slice(0, 200))
  onTestFinished(async () => {
    await testProcess.end('SIGKILL')
  })
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw new Error(`cannot start "${command}"`, { cause })
  }
  // A program that ended early does not read what it is given.
  child.stdin.on('error', () => undefined)
  return testProcess
}
