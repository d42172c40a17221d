// What a broker writes to disk.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import type { Job } from './job.ts'

const signalMs = 200

/**
 * Bytes that a process has caused to be sent to disk since its making, or undefined where Linux does not tell. Pages
 * are counted when they are made dirty, whole; the file system's own journal is not.
 */
export class BytesWritten {
  readonly #pid: number
  readonly #atStart: number | undefined

  constructor(pid: number) {
    this.#pid = pid
    this.#atStart = writeBytes(pid)
  }

  soFar(): number | undefined {
    const now = writeBytes(this.#pid)
    return now === undefined || this.#atStart === undefined ? undefined : now - this.#atStart
  }

  /** For the detail of a measurement: until now, for each of so many messages. */
  perMessage(messages: number): Record<string, number> | undefined {
    const bytes = this.soFar()
    return bytes === undefined || messages === 0 ? undefined : { writtenBytesPerMessage: bytes / messages }
  }

  /**
   * Makes a broker save that writes only now and then, and tells what the save wrote for each of so many messages. It
   * is what Mosquitto does every 30 minutes and at SIGTERM; at SIGTERM itself its counts end with it.
   */
  async savedPerMessage(job: Job, messages: number): Promise<Record<string, number> | undefined> {
    const before = this.soFar()
    if (job.saveSignal === undefined || before === undefined || messages === 0) return undefined
    process.kill(this.#pid, job.saveSignal)
    await sleep(signalMs)
    // It saves in its only thread: when it answers, it has saved.
    const witness = await Client.open(job.port, 'witness')
    await witness.close()
    const after = this.soFar()
    return after === undefined ? undefined : { savedBytesPerMessage: (after - before) / messages }
  }
}

function writeBytes(pid: number): number | undefined {
  try {
    const digits = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]
    return digits === undefined ? undefined : Number(digits)
  } catch {
    return undefined
  }
}
