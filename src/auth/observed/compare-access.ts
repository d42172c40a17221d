import type { Identity } from '../identity.ts'
import type { RulePlace } from '../rules/place.ts'
import type { View } from '../view.ts'
import type { Sighting } from './observed.ts'

/** What rules say of something that was seen. */
export interface SightingVerdict {
  /** `some`: of a subscription, a part is left out. */
  readonly extent: 'all' | 'some' | 'none'
  readonly rule: RulePlace | undefined
}

/** Something that was seen, and is not allowed as it was. */
export interface AccessChange {
  readonly sighting: Sighting
  readonly before: SightingVerdict
  readonly after: SightingVerdict
}

/** Rules, and who somebody is by them. */
interface Rules {
  viewOf(identity: Identity): View
}

/** Holds what was seen against two sets of rules. Gives what changes, first what is taken away, and there what was seen most often. */
export function compareAccess(
  rows: Iterable<Sighting>,
  before: Rules,
  after: Rules,
  identityOf: (row: Sighting) => Identity,
): AccessChange[] {
  const changes: AccessChange[] = []
  for (const sighting of rows) {
    const identity = identityOf(sighting)
    const old = verdictOn(sighting, before.viewOf(identity))
    const now = verdictOn(sighting, after.viewOf(identity))
    if (old.extent !== now.extent) changes.push({ sighting, before: old, after: now })
  }
  return changes.toSorted((a, b) => gain(a) - gain(b) || b.sighting.count - a.sighting.count)
}

const RANKS = { none: 0, some: 1, all: 2 } as const

function gain({ before, after }: AccessChange): number {
  return RANKS[after.extent] > RANKS[before.extent] ? 1 : 0
}

function verdictOn({ action, topic, maxQos, isRetained }: Sighting, view: View): SightingVerdict {
  if (action === 'subscribe') return view.subscribe(topic, false)
  const { isAllowed, rule, maxQos: most, mayRetain } = view.publish(topic)
  const isAll = isAllowed && maxQos <= most && (mayRetain || !isRetained)
  return { extent: isAll ? 'all' : 'none', rule }
}

/** Who was seen, as far as it was noted. */
export function identityOfSighting({ user, clientId, groups, role, host, listener }: Sighting): Identity {
  return {
    user,
    clientId,
    groups,
    role,
    host,
    listener,
    via: user === undefined ? 'anonymous' : 'password',
    expiresAtMs: Infinity,
    ownRules: [],
  }
}
