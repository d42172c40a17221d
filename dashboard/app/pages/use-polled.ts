import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Answer, Question } from '../../../src/http/api-types.ts'
import { ask, type GivenWith } from '../state/api.ts'

/** What the API answers, asked for again and again while the page is looked at; undefined until the first answer. */
export function usePolled<C extends Question>(everyMs: number, call: C, ...given: GivenWith<C>): Answer<C> | undefined {
  const latest = useSignal<Answer<C> | undefined>(undefined)
  useEffect(() => {
    let isGone = false
    const load = async (): Promise<void> => {
      if (document.hidden) return
      try {
        const answer = await ask(call, ...given)
        if (!isGone) latest.value = answer
      } catch {
        // The banner says that there is no connection; what was there stays.
      }
    }
    void load()
    const timer = setInterval(() => void load(), everyMs)
    return () => {
      isGone = true
      clearInterval(timer)
    }
  }, [call])
  return latest.value
}
