import { useSignal } from '@preact/signals'
import type { Receipt, SendChange } from '../../worker/protocol.ts'
import { presenceOf } from '../state/presence.ts'
import { deliveredCount, receiptOf, refusalOf, type Send, type Tick, tickOf } from '../state/sends.ts'
import { latency } from '../words/format.ts'
import { refusal } from '../words/refusal.ts'
import { number, words } from '../words/words.ts'
import { Trail } from './trail.tsx'

const ONE = 'M5 10.500l3.200 3.200L15 6.500'
const TWO = 'M2 10.500l3.200 3.200L12 6.500M9.200 13l.9.7L17 6.500'

/** Receivers that a label names. */
const MAX_NAMES = 5

/** What is drawn for each state, in a box of 20. */
const DRAWN: Readonly<Record<Tick, string>> = {
  waiting: 'M10 3a7 7 0 1 1 0 14a7 7 0 1 1 0-14M10 6v4l2.500 2',
  sent: 'M10 15V5M6 9l4-4 4 4',
  written: ONE,
  half: 'M5 10.500l3.200 3.200',
  taken: ONE,
  nobody: ONE,
  partly: TWO,
  delivered: TWO,
  answered: TWO,
  declined: 'M10 3a7 7 0 1 1 0 14a7 7 0 1 1 0-14M7.500 7.500l5 5M12.500 7.500l-5 5',
  refused: 'M10 3a7 7 0 1 1 0 14a7 7 0 1 1 0-14M10 6v5M10 13.500v.2',
  'not-sent': 'M10 3a7 7 0 1 1 0 14a7 7 0 1 1 0-14M10 6v5M10 13.500v.2',
}

/** The sign of a message of this page; its slot is as wide in every state. A click opens the packet trail. */
export function TickSlot({ send }: { readonly send: Send | undefined }) {
  const isOpen = useSignal(false)
  if (send === undefined) return <span class="tick-slot" />
  const tick = tickOf(send)
  const label = labelOf(send, tick)
  return (
    <span class="tick-slot">
      <button
        type="button"
        class={`tick tick-${tick}`}
        data-tick={tick}
        aria-label={label}
        title={label}
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value
        }}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d={DRAWN[tick]} />
        </svg>
      </button>
      {isOpen.value && (
        <Trail
          send={send}
          onClose={() => {
            isOpen.value = false
          }}
        />
      )}
    </span>
  )
}

function labelOf(send: Send, tick: Tick): string {
  const text = words.value
  const steps = send.steps.value
  const receipt = receiptOf(steps)
  const own = text.ticks[tick]
  if (tick === 'answered') return `${own}: ${text.answered(latency(replyMs(send, steps)))}`
  if (tick === 'declined') return [own, refusalOf(steps)?.message ?? refusalOf(steps)?.code].filter(Boolean).join(': ')
  if (tick === 'refused') {
    const refused = steps.find(({ step }) => step === 'refused') ?? steps.findLast(({ reason }) => reason !== undefined)
    return refused === undefined ? own : `${own}: ${refusal(refused)}`
  }
  if (receipt === undefined || receipt.matched === 0) return own
  const delivered = text.deliveredTo(deliveredCount(receipt), receipt.matched)
  return `${own}: ${[delivered, ...waitingOf(receipt)].join(', ')}`
}

/** Who has a message queued: those that are offline, and those that are not. */
function waitingOf({ receivers }: Receipt): string[] {
  const { offlineFor, queuedFor, sharedWaits } = words.value
  const queued = receivers.filter(({ outcome }) => outcome === 'queued').map(({ clientId }) => clientId ?? sharedWaits)
  const parts = [
    { names: queued.filter(isAway), say: offlineFor },
    { names: queued.filter((name) => !isAway(name)), say: queuedFor },
  ]
  return parts.filter(({ names }) => names.length > 0).map(({ names, say }) => say(names.length, listOf(names)))
}

function isAway(clientId: string): boolean {
  return presenceOf(clientId) === 'away'
}

function listOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMES
  const shown = names.slice(0, MAX_NAMES).join(', ')
  return more > 0 ? `${shown} ${words.value.andMore(number(more))}` : shown
}

/** From the first PUBLISH to the reply, in ms. */
export function replyMs({ atMs }: Send, steps: readonly SendChange[]): number {
  const sentAtMs = steps.find(({ step }) => step === 'written')?.atMs ?? atMs
  return (steps.find(({ step }) => step === 'reply')?.atMs ?? sentAtMs) - sentAtMs
}
