import type { Log } from '../base/log.ts'

/**
 * Ctrl-C under `npm start` may arrive twice within 3 ms (npm 11 with bash as its shell), from the terminal and passed on by
 * npm. Only a signal later than this is a second wish.
 */
const SAME_WISH_MS = 300
const IS_WINDOWS = process.platform === 'win32'

/** On Windows SIGHUP is the closing of the console, and ends the process 10 s later whatever it does. */
const STOPPING: readonly NodeJS.Signals[] = IS_WINDOWS
  ? ['SIGINT', 'SIGTERM', 'SIGBREAK', 'SIGHUP']
  : ['SIGINT', 'SIGTERM', 'SIGQUIT']

/**
 * Has no signal do what the system or Node would do by itself: SIGUSR2 would end the process, and SIGUSR1 would open Node's
 * inspector, to which every program on the machine may connect and run code. A listener takes the place of Node's own: seen with
 * Node 20.20, 22.23 and 24.21.
 */
export function ignoreUserSignals(): void {
  process.on('SIGUSR1', () => undefined)
  process.on('SIGUSR2', () => undefined)
}

/** Calls `reload` at SIGHUP, one call at a time; it must not throw. */
export function reloadOnSignal(reload: () => Promise<void>): void {
  if (IS_WINDOWS) return
  let last: Promise<void> = Promise.resolve()
  process.on('SIGHUP', () => {
    last = last.then(reload)
  })
}

/** Calls `stop` at the first signal that asks for it; a second one ends the process at once. */
export function stopOnSignals(log: Log, stop: () => Promise<void>): void {
  let stoppingSinceMs: number | undefined
  const onSignal = (signal: NodeJS.Signals, signalNumber: number): void => {
    if (stoppingSinceMs === undefined) {
      stoppingSinceMs = performance.now()
      log.info({ signal }, 'stopping')
      void stop()
    } else if (performance.now() - stoppingSinceMs > SAME_WISH_MS) {
      process.exit(128 + signalNumber)
    }
  }
  for (const signal of STOPPING) process.on(signal, onSignal)
}
