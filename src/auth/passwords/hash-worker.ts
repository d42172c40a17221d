import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { hashPassword, isPassword, parsePasswordHash } from './password-hash.ts'
import type { HashAnswer, HashTask } from './password-hasher.ts'
import { makeVerifier } from './scram-verifier.ts'

/*
 * The thread in which passwords are hashed. Not in libuv's pool: 200 hashes that waited there held up a commit of the store for nine
 * seconds.
 */

const NICE = 15

if (parentPort !== null) {
  const port = parentPort
  // Linux changes this thread alone, so that the event loop goes first; elsewhere it would be the whole process.
  if (process.platform === 'linux') yieldToOthers()
  port.on('message', (task: HashTask) => {
    void answer(task).then((value) => port.postMessage(value))
  })
}

function yieldToOthers(): void {
  try {
    setPriority(0, NICE)
  } catch {
    // A sandbox may forbid it; it goes on without.
  }
}

async function answer(task: HashTask): Promise<HashAnswer> {
  try {
    const { password } = task
    if (task.kind === 'new') {
      return { hash: hashPassword(password), verifier: makeVerifier(password, task.scramIterations), isRight: true }
    }
    const isRight = task.stored !== undefined && (await isPassword(password, parsePasswordHash(task.stored)))
    // Who fails has waited for the dearest hash there is, whatever is stored for the name.
    if (!isRight && task.decoy !== undefined) await isPassword(password, parsePasswordHash(task.decoy))
    return { isRight }
  } catch (error) {
    return { isRight: false, fault: error instanceof Error ? error.message : String(error) }
  }
}
