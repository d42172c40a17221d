import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { apiUrl, ask } from '../state/api.ts'

/** What the API answers, asked for again and again while the page is looked at; undefined until the first answer. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as `ask`: who asks knows what the API answers
export function usePolled<T>(path: string, everyMs: number): T | undefined {
  const latest = useSignal<T | undefined>(undefined)
  useEffect(() => {
    let isGone = false
    const load = async (): Promise<void> => {
      if (document.hidden) return
      try {
        const answer = await ask<T>('GET', apiUrl(path))
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
  }, [path])
  return latest.value
}
