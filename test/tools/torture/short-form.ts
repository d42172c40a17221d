import { onTestFinished } from 'vitest'
import { Workshop } from './workshop.ts'

/** Of today, so that every day tries something else; it is in the counts. */
export const SEED = Math.floor(Date.now() / 86_400_000)

/** A workshop that is closed when the test ends. */
export function openWorkshop(): Workshop {
  const workshop = new Workshop(false)
  onTestFinished(async () => workshop.close())
  return workshop
}
