import { type Browser, chromium } from 'playwright-core'
import { findOnPath } from './debian-tools.ts'

/** Debian's name first; other systems have others. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'] as const

/**
 * This takes the place of Playwright's own list, of which it has what a page of this machine may meet. The last three would start
 * processes for each context: two pages of the address bar, which take more time than the page of the test, and a spare renderer.
 */
const DISABLED_FEATURES = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'SpareRendererForSitePerProcess',
] as const

let shared: Promise<Browser> | undefined

/** Starts the Chromium of the system without a window, or says how to get one. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = NAMES.map((name) => findOnPath(name)).find((path) => path !== undefined)
  if (executablePath === undefined) {
    throw new Error(
      'Cannot start Chromium: it has to be on the PATH, there is none; install it with "sudo apt-get install chromium"',
    )
  }
  return chromium.launch({
    executablePath,
    args: [
      `--disable-features=${DISABLED_FEATURES.join(',')}`,
      // Of a context; the empty page that comes first and the page share a process.
      '--renderer-process-limit=1',
      // As a name in somebody's network: over plain HTTP a page from there has less rights than one of localhost.
      '--host-resolver-rules=MAP hub.internal 127.0.0.1',
      // Root, as in a container, may not use the sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })
}

/**
 * The Chromium of this process, started by the first test that needs it. Each test has a context of its own, which shares nothing.
 * Nobody closes it: it ends with the process, which is that of a worker and not of a file.
 */
export async function sharedChromium(): Promise<Browser> {
  try {
    const browser = await (shared ??= launchChromium())
    if (browser.isConnected()) return browser
  } catch (error) {
    shared = undefined
    throw error
  }
  // It crashed; the next one is for the next test.
  shared = launchChromium()
  return shared
}
