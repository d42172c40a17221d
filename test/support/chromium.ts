import { type Browser, chromium } from 'playwright-core'
import { findOnPath } from './debian-tools.ts'

/** Debian's name first; other systems have others. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'] as const

/** Starts the Chromium of the system without a window, or says how to get one. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = NAMES.map((name) => findOnPath(name)).find((path) => path !== undefined)
  if (executablePath === undefined) {
    throw new Error(
      'Cannot start Chromium: it has to be on the PATH, there is none; install it with "sudo apt-get install chromium"',
    )
  }
  // Root, as in a container, may not use the sandbox.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}
