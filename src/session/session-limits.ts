import type { OutgoingLimits } from './outgoing/outgoing.ts'
import type { SharedStrategy } from './shared/shared-group.ts'

/** What one session may hold, and for how long. */
export interface SessionLimits extends OutgoingLimits {
  readonly maxSubscriptionsPerClient: number
  readonly maxOutputBytes: number
  readonly outputPolicy: 'drop' | 'latest'
  readonly maxSessionExpirySeconds: number
  readonly maxMessageExpirySeconds: number
  readonly sharedStrategy: SharedStrategy
}
