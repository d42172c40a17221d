import { signal } from '@preact/signals'
import type { Answer } from '../../../src/http/api-types.ts'
import { ask } from './api.ts'

/** No name that somebody types is longer. */
const MAX_NAME = 300

/** What devices call themselves, by identifier, as of the last `loadAnnouncedNames`. */
export const announcedNames = signal<ReadonlyMap<string, string>>(new Map())

/** Reads what all devices call themselves. Nothing changes when the hub does not answer. */
export async function loadAnnouncedNames(): Promise<void> {
  const names = new Map<string, string>()
  let cursor: string | undefined
  do {
    const query = { filter: 'devices/+/about', limit: 1000, payload: 'full' as const, cursor }
    let page: Answer<'GET /retained'>
    try {
      page = await ask('GET /retained', { query })
    } catch {
      return
    }
    for (const { topic, payload } of page.messages) {
      const name = nameIn(payload)
      if (name !== undefined) names.set(topic.split('/')[1] ?? '', name)
    }
    announcedNames.value = new Map(names)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

function nameIn(about: string | null | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(about ?? '')
    if (typeof value !== 'object' || value === null || !('name' in value)) return undefined
    return typeof value.name === 'string' && value.name !== '' ? value.name.slice(0, MAX_NAME) : undefined
  } catch {
    return undefined
  }
}
