import { type ReadonlySignal, useSignal } from '@preact/signals'
import { words } from '../words/words.ts'

interface Attempts {
  /** Why the last one failed, in words. */
  readonly fault: ReadonlySignal<string | undefined>
  /** Does what may fail, and tells in `fault` why it did. */
  readonly attempt: (work: () => Promise<void>) => void
}

/** What a person does that the hub may refuse. */
export function useAttempt(): Attempts {
  const fault = useSignal<string | undefined>(undefined)
  return {
    fault,
    attempt: (work) => {
      fault.value = undefined
      work().catch((error: unknown) => {
        fault.value = `${words.value.failed}: ${error instanceof Error ? error.message : String(error)}`
      })
    },
  }
}
