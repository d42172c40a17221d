import { signal } from '@preact/signals'
import type { Answer } from '../../../src/http/api-types.ts'
import { ask } from './api.ts'
import { lostAtMs } from './outage.ts'
import type { PresenceChange } from './feed.ts'

export type PresenceState = PresenceChange['state']

/** The hub's own word on sessions, by client id. */
export const presence = signal<ReadonlyMap<string, PresenceState>>(new Map())

/** As `presence`, and undefined while the page cannot know. */
export function presenceOf(clientId: string): PresenceState | undefined {
  return lostAtMs.value === undefined ? presence.value.get(clientId) : undefined
}

/** `isContact` tells whose absence is worth knowing. */
export function takePresence(changes: readonly PresenceChange[], isContact: (clientId: string) => boolean): void {
  const states = new Map(presence.value)
  for (const { clientId, state } of changes) {
    if (state === 'gone' && !isContact(clientId)) states.delete(clientId)
    else states.set(clientId, state)
  }
  presence.value = states
}

/** One of each `loadClients` that is under way: the clients that the feed has told of since it began. */
const toldMeanwhile = new Set<Set<string>>()

/** The feed tells this: what `loadClients` still brings of these clients is older. */
export function noteTold(changes: readonly PresenceChange[]): void {
  for (const told of toldMeanwhile) for (const { clientId } of changes) told.add(clientId)
}

export function forgetPresence(): void {
  presence.value = new Map()
}

/** Who is here already; the feed tells only changes. `found` gets each page as if the feed had told it. */
export async function loadClients(found: (changes: readonly PresenceChange[]) => void): Promise<void> {
  const told = new Set<string>()
  toldMeanwhile.add(told)
  try {
    let cursor: string | undefined
    do {
      const page: Answer<'GET /clients'> = await ask('GET /clients', { query: { limit: 1000, cursor } })
      const atMs = Date.now()
      found(
        page.clients
          .filter(({ clientId }) => !told.has(clientId))
          .map(({ clientId, connection }) => ({
            clientId,
            state: connection === null ? 'away' : 'here',
            atMs,
            will: connection?.will ?? null,
          })),
      )
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  } finally {
    toldMeanwhile.delete(told)
  }
}
