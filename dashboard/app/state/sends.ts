import { type Signal, signal } from '@preact/signals'
import type { Arrived, Outgoing, QoS, Receipt, SendChange } from '../../worker/protocol.ts'
import type { Refusal } from '../../worker/reply.ts'
import { publish } from './hub.ts'
import { tabClientId } from './identity.ts'
import { hearTabs, keepSends, keptSends, tellTabs } from './kept-sends.ts'
import { store } from './stored.ts'

/** What a sign beside a message says; every one is something the hub or the connection told. */
export type Tick =
  | 'waiting'
  | 'sent'
  | 'written'
  | 'half'
  | 'taken'
  | 'nobody'
  | 'partly'
  | 'delivered'
  | 'answered'
  /** The device said no. */
  | 'declined'
  | 'refused'
  | 'not-sent'

/** A message of this page, of other tabs of this browser, or of an earlier visit. */
export interface Send {
  readonly message: Outgoing
  readonly atMs: number
  readonly steps: Signal<readonly SendChange[]>
  /** Sent by this page; by this tab before a reload; or elsewhere, where this page hears only what other tabs tell. */
  readonly origin: 'page' | 'tab' | 'elsewhere'
}

/** What a tab has not sent yet, as it outlives a reload. */
interface Unsent {
  /** Its client identifier: a duplicated tab has a copy of this, and is not to send it too. */
  readonly tab: string
  readonly messages: readonly Outgoing[]
}

const UNSENT = 'hubbub.unsent'
/** Trails of so many messages are kept. */
const MAX_SENDS = 2000

const sends = new Map<string, Send>()

/** Sends a message and returns what will become of it. */
export function send(draft: Omit<Outgoing, 'id'>, id = newId()): Send {
  return dispatch({ ...draft, id })
}

function dispatch(message: Outgoing): Send {
  const made = remember({ message, atMs: Date.now(), steps: signal([]), origin: 'page' })
  tellTabs({ kind: 'sent', message, atMs: made.atMs })
  publish(message)
  keep()
  return made
}

function remember(made: Send): Send {
  sends.delete(made.message.id)
  sends.set(made.message.id, made)
  const [oldest] = sends.keys()
  if (sends.size > MAX_SENDS && oldest !== undefined) sends.delete(oldest)
  return made
}

/** Knows again what was sent before, and hears of what other tabs send; to be called once. */
export function restoreSends(): void {
  for (const { isOfTab, message, atMs, steps } of keptSends()) {
    remember({ message, atMs, steps: signal(steps), origin: isOfTab ? 'tab' : 'elsewhere' })
  }
  hearTabs((news) => {
    if (news.kind === 'changed') note(news.change)
    else remember({ message: news.message, atMs: news.atMs, steps: signal([]), origin: 'elsewhere' })
  })
}

/** Sends again what a reload found unsent; before anything else is sent, which would be kept in its place. */
export function resumeUnsent(): void {
  const stored = sessionStorage.getItem(UNSENT)
  if (stored === null) return
  const unsent: Partial<Unsent> = JSON.parse(stored)
  if (unsent.tab === tabClientId) for (const message of unsent.messages ?? []) dispatch(message)
}

/** The tab that sent it was closed before it heard whether the hub has it: nobody will tell. */
export function isUnheard(one: Send): boolean {
  return one.origin !== 'page' && ['waiting', 'sent'].includes(tickOf(one))
}

/** What the hub has not confirmed, so that its history may not have it. */
export function unconfirmed(): Send[] {
  return [...sends.values()].filter((one) => one.origin === 'page' && ['waiting', 'sent'].includes(tickOf(one)))
}

export function sendChanged(change: SendChange): void {
  if (!note(change)) return
  tellTabs({ kind: 'changed', change })
  keep()
}

/** Returns whether the message is known. */
function note(change: SendChange): boolean {
  const one = sends.get(change.id)
  if (one === undefined) return false
  // Receipts replace each other: the newest says all.
  const steps = change.step === 'receipt' ? one.steps.value.filter(({ step }) => step !== 'receipt') : one.steps.value
  one.steps.value = [...steps, change]
  return true
}

/** The message of this browser that came back by a subscription or from history, if it is one. */
export function ownOf({ receipt }: Arrived): Send | undefined {
  return receipt === undefined ? undefined : sends.get(receipt)
}

export function sendOf(id: string): Send | undefined {
  return sends.get(id)
}

/** What is known of a message now, the strongest of what was told. */
export function tickOf({ message, steps: { value: steps } }: Send): Tick {
  const has = (step: SendChange['step']): boolean => steps.some((one) => one.step === step)
  if (has('refused')) return 'refused'
  if (has('not-sent')) return 'not-sent'
  if (has('reply')) return refusalOf(steps) === undefined ? 'answered' : 'declined'
  const receipt = receiptOf(steps)
  if (receipt?.refused !== undefined) return 'refused'
  if (receipt !== undefined && receipt.matched > 0) {
    const done = deliveredCount(receipt)
    if (done >= receipt.matched) return 'delivered'
    if (done > 0) return 'partly'
  }
  if (has('nobody') || (receipt?.matched === 0 && message.qos > 0)) return 'nobody'
  if (has('pubcomp') || has('puback')) return 'taken'
  if (has('pubrec')) return 'half'
  if (has('written')) return message.qos === 0 ? 'written' : 'sent'
  return 'waiting'
}

/** Whether a message of this page was sent with RETAIN. */
export function isRetained(id: string): boolean {
  return sends.get(id)?.message.retain === true
}

/** When a device answered; undefined when it has not. */
export function replyAtMsOf(steps: readonly SendChange[]): number | undefined {
  return steps.find(({ step }) => step === 'reply')?.atMs
}

/** Why the device refuses, if that is its last word. */
export function refusalOf(steps: readonly SendChange[]): Refusal | undefined {
  return steps.findLast(({ step }) => step === 'reply')?.refusal
}

export function receiptOf(steps: readonly SendChange[]): Receipt | undefined {
  return steps.findLast(({ step }) => step === 'receipt')?.receipt
}

/** Receivers that have the message, as far as its QoS can tell. */
export function deliveredCount({ counts }: Receipt): number {
  return (counts['delivered'] ?? 0) + (counts['acknowledged'] ?? 0) + (counts['handed-on'] ?? 0)
}

function keep(): void {
  keepSends(() =>
    [...sends.values()]
      .filter(({ origin }) => origin !== 'elsewhere')
      .map(({ message, atMs, steps }) => ({ message, atMs, steps: steps.peek() })),
  )
  keepUnsent()
}

function keepUnsent(): void {
  const messages = [...sends.values()]
    .filter((one) => one.origin === 'page' && isUnsent(one))
    .map(({ message }) => message)
  const unsent: Unsent = { tab: tabClientId, messages }
  if (messages.length === 0) sessionStorage.removeItem(UNSENT)
  else store(UNSENT, JSON.stringify(unsent), sessionStorage)
}

/** QoS 1 may be sent twice, so it goes again until it is confirmed; QoS 2 only while it never went out. */
function isUnsent(one: Send): boolean {
  const tick = tickOf(one)
  const { qos } = one.message satisfies { qos: QoS }
  return qos > 0 && (tick === 'waiting' || (tick === 'sent' && qos === 1))
}

/** A name for a message that is to be sent; its Correlation Data too. */
export function newId(): string {
  return crypto.getRandomValues(new BigUint64Array(1))[0]?.toString(36) ?? '0'
}
