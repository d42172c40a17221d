import { useSignal } from '@preact/signals'
import type { Receipt, SendChange } from '../../worker/protocol.ts'
import { presenceOf } from '../state/presence.ts'
import { deliveredCount, receiptOf, refusalOf, replyAtMsOf, type Send, type Tick, tickOf } from '../state/sends.ts'
import { latency } from '../words/format.ts'
import { refusal } from '../words/refusal.ts'
import { number, words } from '../words/words.ts'
import { Trail } from './trail.tsx'

const CLOCK = 'M12 5a7 7 0 1 1 0 14a7 7 0 1 1 0-14M12 8.500V12l2.500 1.500'
const ONE = 'M6 12.500l4 4L18 8'
const DISC = 'M12 3.500a8.500 8.500 0 1 1 0 17a8.500 8.500 0 1 1 0-17'
const OCTAGON = 'M8.500 3.500h7l5 5v7l-5 5h-7l-5-5v-7z'
const CROSS = 'M9 9l6 6M15 9l-6 6'

/** Receivers that a label names. */
const MAX_NAMES = 5

/** What is drawn for a state, in a box of 24: each has a shape of its own, whatever its colour. */
interface Drawing {
  readonly line?: string
  readonly dashes?: string
  /** A filled ground, on which `cut` is left out. */
  readonly ground?: string
  readonly cut?: string
}

const DRAWN: Readonly<Record<Tick, Drawing>> = {
  waiting: { line: CLOCK },
  sent: { line: 'M12 18V6M7 11l5-5 5 5' },
  written: { dashes: ONE },
  half: { line: 'M3 12.500l4 4L15 8M13.500 16.500L17 13' },
  taken: { line: ONE },
  nobody: {
    line: 'M2.500 12.500l4 4L13.500 8.500',
    dashes: 'M17.500 10.800a3.200 3.200 0 1 1 0 6.400a3.200 3.200 0 1 1 0-6.400',
  },
  partly: { line: 'M2.500 12.500l4 4L14.500 8', dashes: 'M11.500 16.500L21 8' },
  delivered: { line: 'M2.500 12.500l4 4L14.500 8M11.500 16.500L21 8' },
  answered: { ground: DISC, cut: 'M8 12.300l2.800 2.800L16 9.500' },
  declined: { ground: DISC, cut: CROSS },
  refused: { ground: OCTAGON, cut: CROSS },
  'not-sent': { line: 'M12 5a7 7 0 1 1 0 14a7 7 0 1 1 0-14M12 8.500v4M12 15.500v.2' },
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
        tabIndex={-1}
        class={`tick tick-${tick}`}
        data-tick={tick}
        aria-label={label}
        title={label}
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value
        }}
      >
        <Drawn tick={tick} />
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

function Drawn({ tick }: { readonly tick: Tick }) {
  const { line, dashes, ground, cut } = DRAWN[tick]
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={line} />
      <path class="tick-dashes" d={dashes} />
      <path class="tick-ground" d={ground} />
      <path class="tick-cut" d={cut} />
    </svg>
  )
}

/** Of a message of this browser of which nothing is known but that the hub's history has it. */
export function TakenTick() {
  const label = words.value.ticks.taken
  return (
    <span class="tick-slot">
      <span class="tick tick-taken" role="img" aria-label={label} title={label}>
        <Drawn tick="taken" />
      </span>
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
  return (replyAtMsOf(steps) ?? sentAtMs) - sentAtMs
}
