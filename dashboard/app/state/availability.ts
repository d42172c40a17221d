import { type Signal, signal } from '@preact/signals'
import type { PresenceChange } from './feed.ts'

type Will = NonNullable<PresenceChange['will']>

/** A device's own word on whether it can be reached. */
export type Availability = 'online' | 'asleep' | 'offline'

/** The topic of a client's will, and what it says there when the client has gone. */
interface Said {
  readonly clientId: string
  readonly goneText: string
}

const STATUS = /^devices\/([^/]+)\/status$/
const WORDS: readonly Availability[] = ['online', 'asleep', 'offline']
/** Where the hub cuts a payload in the short form of its feed. */
const SHORT_CHARACTERS = 120

const byName = new Map<string, Signal<Availability | undefined>>()
const willsByTopic = new Map<string, Said[]>()
/** The last word on each topic of a will. */
const lastText = new Map<string, string>()

/** What a device says of itself, by its name or client id; undefined until it did. */
export function availabilityOf(name: string): Signal<Availability | undefined> {
  let one = byName.get(name)
  if (one === undefined) {
    one = signal(undefined)
    byName.set(name, one)
  }
  return one
}

/** A message that may be a device's word: on `devices/<id>/status`, or on the topic that the will of a client is for. */
export function hearAvailability(topic: string, text: string | undefined): void {
  const name = STATUS.exec(topic)?.[1]
  if (name !== undefined) availabilityOf(name).value = WORDS.find((word) => word === text)
  const wills = willsByTopic.get(topic)
  if (wills === undefined || text === undefined) return
  for (const will of wills) hearWill(topic, text, will)
}

/**
 * A client says in its will what stands on its availability topic once it is gone: that text means offline, any other that it is
 * there. `text` is the last one on the topic, if it is known.
 */
export function learnWill(clientId: string, { topic, payload = '', retain }: Will, text: string | undefined): void {
  if (!retain) return
  const will = { clientId, goneText: payload }
  willsByTopic.set(topic, [...(willsByTopic.get(topic) ?? []).filter((other) => other.clientId !== clientId), will])
  const known = text ?? lastText.get(topic)
  if (known !== undefined) hearWill(topic, known, will)
}

function hearWill(topic: string, text: string, { clientId, goneText }: Said): void {
  lastText.set(topic, text)
  // The words of `status` are clearer than what can be told from the will.
  if (STATUS.exec(topic)?.[1] === clientId) return
  availabilityOf(clientId).value = text === '' ? undefined : isSame(goneText, text) ? 'offline' : 'online'
}

/** The feed tells only how a long payload begins. */
function isSame(whole: string, text: string): boolean {
  return (
    text === whole || (whole.length > SHORT_CHARACTERS && text.endsWith('…') && whole.startsWith(text.slice(0, -1)))
  )
}
