import { HubbubError } from '../../src/base/errors.ts'

/** The HubbubError that `act` throws. */
export function errorOf(act: () => unknown): HubbubError {
  try {
    act()
  } catch (error) {
    if (error instanceof HubbubError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The HubbubError that a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<HubbubError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof HubbubError) return error
  throw new Error('it did not reject with a HubbubError', { cause: error })
}
