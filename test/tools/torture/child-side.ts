import { createInterface } from 'node:readline'
import type { Answer, ChildReport, Order, Progress } from './orders.ts'

const PROGRESS_MS = 100

/** What a child process does with its orders. */
export interface Worker {
  finish(): void
  drop(): void
  progress(): Progress
  report(): ChildReport
}

/** Serves the runner on standard input and output, and ends when the runner has gone, however that came. */
export function serve(worker: Worker): void {
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => {
    const order: Order = JSON.parse(line)
    if (order.kind === 'finish') worker.finish()
    else if (order.kind === 'drop') worker.drop()
    else answer(worker.report())
  })
  input.on('close', () => process.exit(0))
  process.stdout.on('error', () => process.exit(1))
  setInterval(() => answer(worker.progress()), PROGRESS_MS)
}

function answer(message: Answer): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}
