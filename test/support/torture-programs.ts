import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Compiles the programs of the torture into `dist/torture`, once for all files whose scenarios start them. */
export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/tools/torture'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  })
}
