import { useSignal } from '@preact/signals'
import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import { words } from './words/words.ts'

/** A part of the page that is fetched when it is first shown. */
export function later(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | undefined
  return function Later() {
    const isFailed = useSignal(false)
    const isLoaded = useSignal(loaded !== undefined)
    useEffect(() => {
      const fetchPart = async (): Promise<void> => {
        try {
          loaded ??= await load()
          isLoaded.value = true
        } catch {
          isFailed.value = true
        }
      }
      void fetchPart()
    }, [])
    const Part = isLoaded.value ? loaded : undefined
    if (Part !== undefined) return <Part />
    return <div class="page later">{isFailed.value && <NotLoaded />}</div>
  }
}

/** The hub is gone, or was started anew with other files. */
function NotLoaded() {
  return (
    <p class="ask">
      {words.value.partNotLoaded}
      <button type="button" onClick={() => location.reload()}>
        {words.value.loadAgain}
      </button>
    </p>
  )
}
