import type { Log } from '../base/log.ts'
import type { Router } from '../router/router.ts'
import type { OutgoingLimits, OutgoingParts } from './outgoing/outgoing.ts'
import type { Past } from './past.ts'
import type { Session } from './session.ts'
import type { SharedStrategy } from './shared/shared-group.ts'
import type { SharedGroups } from './shared/shared-groups.ts'

/** What all sessions of a hub share. */
export interface SessionParts extends OutgoingParts {
  readonly router: Router
  readonly log: Log
  readonly limits: SessionLimits
  readonly groups: SharedGroups
  /** Undefined: no history is kept. */
  readonly past: Past | undefined
  /** Called when something of a session begins to wait until the store has written. */
  readonly onHolding: (session: Session) => void
}

export interface SessionLimits extends OutgoingLimits {
  readonly maxSubscriptionsPerClient: number
  readonly maxOutputBytes: number
  readonly outputPolicy: 'drop' | 'latest'
  readonly maxSessionExpirySeconds: number
  readonly maxMessageExpirySeconds: number
  readonly sharedStrategy: SharedStrategy
}
