import { join, resolve } from 'node:path'
import type { Identity } from '../auth/identity.ts'
import { KeptObserved } from '../auth/observed/kept-observed.ts'
import { Observed } from '../auth/observed/observed.ts'
import { OBSERVED_FILE } from '../auth/observed/observed-file.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Stage } from '../base/stages.ts'
import type { Config } from '../config/config.ts'
import type { PermissionObserver } from '../session/permissions.ts'

/** Who notes what clients ask for. */
export interface Observing {
  readonly stage: Pick<Stage, 'start' | 'stop'>
  readonly observerOf: (identity: Identity) => PermissionObserver
}

/** Undefined: it is switched off, or there is no data folder to keep it in. */
export function assembleObserved({ access, data }: Config, clock: Clock, log: Log): Observing | undefined {
  if (!access.observe || data === 'memory') return undefined
  const observed = new Observed({ nowMs: () => clock.nowMs() })
  const kept = new KeptObserved(observed, join(resolve(data), OBSERVED_FILE), log)
  return {
    stage: { start: () => kept.start(), stop: () => kept.stop() },
    observerOf: (identity) => ({
      published: ({ topic, qos, retain }, isAllowed) =>
        observed.note(identity, { action: 'publish', topic, qos, isRetained: retain, isAllowed }),
      subscribed: (filter, isAllowed) =>
        observed.note(identity, { action: 'subscribe', topic: filter, qos: 0, isRetained: false, isAllowed }),
    }),
  }
}
