import type { SendChange } from '../../worker/protocol.ts'
import { words } from './words.ts'

/** Why a message was refused: what the reason code means, and what the hub had to say. */
export function refusal({ reasonCode, reason }: Pick<SendChange, 'reasonCode' | 'reason'>): string {
  const meanings: Readonly<Record<number, string>> = words.value.refusals
  const meaning = reasonCode === undefined ? undefined : meanings[reasonCode]
  const code = reasonCode === undefined ? undefined : `0x${reasonCode.toString(16)}`
  const coded = meaning === undefined ? code : `${meaning} (${code})`
  return [coded, reason].filter((part) => part !== undefined).join(': ')
}
