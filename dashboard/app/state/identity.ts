/** Who uses this browser: the same in all of its tabs and visits. Each tab is a client of its own. */

import { store } from './stored.ts'

const IDENTITY = 'hubbub.identity'
const TAB = 'hubbub.tab'
/** Clients that are pages like this one. */
const PAGE = /^dashboard-[0-9a-z]+(?:-[0-9a-z]+)?$/

const prefix = `dashboard-${remembered(localStorage, IDENTITY)}-`

/** The client identifier of this tab: the same after a reload, another in each tab. */
export const tabClientId = `${prefix}${remembered(sessionStorage, TAB, !isReloaded())}`

/** After the next load this tab is another client. */
export function forgetTab(): void {
  sessionStorage.removeItem(TAB)
}

/** Whether a client is a tab of this browser, open or not. */
export function isMine(clientId: string | undefined): boolean {
  return clientId?.startsWith(prefix) === true
}

/** Whether a client is a page, of whatever browser. */
export function isPage(clientId: string): boolean {
  return PAGE.test(clientId)
}

function remembered(storage: Storage, key: string, isNew = false): string {
  const known = isNew ? null : storage.getItem(key)
  const name = known ?? crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36) ?? '0'
  store(key, name, storage)
  return name
}

/** A duplicated tab has a copy of the storage: only a reload may go on with the name. */
function isReloaded(): boolean {
  const [navigation] = performance.getEntriesByType('navigation')
  return navigation instanceof PerformanceNavigationTiming && navigation.type === 'reload'
}
