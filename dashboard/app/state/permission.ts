import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Answer } from '../../../src/http/api-types.ts'
import { words } from '../words/words.ts'
import { ask } from './api.ts'
import { feedOpenings } from './feed.ts'
import { session } from './session.ts'

/** What may be published to a topic, and which rule says so. */
export type Permission = Answer<'GET /access/publish'>

/**
 * What the access rules let who is here publish to a topic, asked `afterMs` after it was last another; asked again when rules change.
 * Undefined: not known yet, or there are no users.
 */
export function usePermission(topic: string, afterMs = 0): Permission | undefined {
  const known = useSignal<Permission | undefined>(undefined)
  const user = session.value?.user ?? null
  const openings = user === null ? 0 : feedOpenings.value
  useEffect(() => {
    if (user === null || topic === '' || /[+#\0]/.test(topic)) return undefined
    let isStale = false
    const load = async (): Promise<void> => {
      try {
        const answer = await ask('GET /access/publish', { query: { topic } })
        if (!isStale) known.value = answer
      } catch {
        // The hub says it when it is sent.
      }
    }
    const timer = setTimeout(() => void load(), afterMs)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [topic, user, openings])
  return user !== null && known.value?.topic === topic ? known.value : undefined
}

/** Why nothing may be published there, in words that name the rule; undefined when something may be, as far as is known. */
export function denialOf(permission: Permission | undefined): string | undefined {
  if (permission === undefined || permission.isAllowed) return undefined
  const { rule } = permission
  const text = words.value
  return rule === null ? text.notAllowedByNone : text.notAllowedBy(rule.place, rule.text)
}
