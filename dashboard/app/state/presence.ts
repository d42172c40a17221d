import { signal } from '@preact/signals'
import { apiUrl, ask } from './api.ts'
import type { PresenceJson, WillJson } from './feed.ts'

export type PresenceState = 'here' | 'away' | 'gone'

interface ClientJson {
  readonly clientId: string
  readonly connection: { readonly will: WillJson | null } | null
}

/** The hub's own word on sessions, by client id. */
export const presence = signal<ReadonlyMap<string, PresenceState>>(new Map())

/** `isContact` tells whose absence is worth knowing. */
export function takePresence(changes: readonly PresenceJson[], isContact: (clientId: string) => boolean): void {
  const states = new Map(presence.value)
  for (const { clientId, state } of changes) {
    if (state === 'gone' && !isContact(clientId)) states.delete(clientId)
    else states.set(clientId, state)
  }
  presence.value = states
}

/** Who is here already; the feed tells only changes. `found` gets each page as if the feed had told it. */
export async function loadClients(found: (changes: readonly PresenceJson[]) => void): Promise<void> {
  let cursor: string | undefined
  do {
    const page: { clients: ClientJson[]; nextCursor: string | null } = await ask(
      'GET',
      apiUrl('clients', { limit: 1000, cursor }),
    )
    const atMs = Date.now()
    found(
      page.clients.map(({ clientId, connection }) => ({
        clientId,
        state: connection === null ? 'away' : 'here',
        atMs,
        will: connection?.will ?? null,
      })),
    )
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}
