import type { QoS } from '../protocol/packet-types.ts'
import type { Terms } from './store.ts'

/** No Subscription Identifier, as most subscriptions have. */
export const NO_IDENTIFIERS: readonly number[] = []

const PLAIN: readonly Terms[] = [plain(0, false), plain(1, false), plain(2, false)]
const PLAIN_RETAINED: readonly Terms[] = [plain(0, true), plain(1, true), plain(2, true)]

/** The terms with these values. Terms without identifiers are shared objects, so that a message costs none. */
export function termsOf(qos: QoS, isRetained: boolean, identifiers: readonly number[]): Terms {
  const shared = identifiers.length > 0 ? undefined : (isRetained ? PLAIN_RETAINED : PLAIN)[qos]
  return shared ?? { qos, isRetained, identifiers }
}

function plain(qos: QoS, isRetained: boolean): Terms {
  return { qos, isRetained, identifiers: NO_IDENTIFIERS }
}
