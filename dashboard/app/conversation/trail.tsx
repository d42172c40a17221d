import { useEffect, useRef } from 'preact/hooks'
import type { Receiver, SendChange } from '../../worker/protocol.ts'
import { edit } from '../state/draft.ts'
import { showSent } from '../state/open.ts'
import { deliveredCount, receiptOf, send as sendAgain, type Send, tickOf } from '../state/sends.ts'
import { Time } from '../time.tsx'
import { latency } from '../words/format.ts'
import { refusal } from '../words/refusal.ts'
import { number, words } from '../words/words.ts'

interface TrailProps {
  readonly send: Send
  readonly onClose: () => void
}

/** Every packet of a message with its time, and what the hub tells of its receivers. */
export function Trail({ send, onClose }: TrailProps) {
  const text = words.value
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    // In the top layer: the list cannot cut it off.
    element.showPopover()
    place(element)
    element.focus()
    const closed = (event: Event): void => {
      if (event instanceof ToggleEvent && event.newState === 'closed') onClose()
    }
    element.addEventListener('toggle', closed)
    return () => element.removeEventListener('toggle', closed)
  }, [])
  const steps = send.steps.value
  const receipt = receiptOf(steps)
  const tick = tickOf(send)
  return (
    <div class="trail" popover="auto" role="dialog" aria-label={text.trail} tabIndex={-1} ref={box}>
      <h2>{text.trail}</h2>
      <ol>
        <Step name={text.steps.waiting} atMs={send.atMs} startMs={send.atMs} />
        {steps
          .filter(({ step }) => step !== 'waiting')
          .map((change, index) => (
            // After a reconnect a step comes once more.
            <Step
              key={index}
              name={change.refusal === undefined ? text.steps[change.step] : text.ticks.declined}
              reason={reasonOf(change)}
              isRefusal={change.refusal !== undefined}
              atMs={change.atMs}
              startMs={send.atMs}
            />
          ))}
      </ol>
      {receipt !== undefined && (
        <>
          <h2>
            {receipt.matched === 0 ? text.nobodyListens : text.deliveredTo(deliveredCount(receipt), receipt.matched)}
          </h2>
          <ul>
            {receipt.receivers.map((receiver) => (
              <li key={`${receiver.clientId ?? ''} ${receiver.group ?? ''}`}>
                <b>{receiver.clientId ?? text.sharedWaits}</b>
                <span>{outcomeOf(receiver)}</span>
                <time>{latency(receiver.afterMs)}</time>
              </li>
            ))}
            {receipt.omittedReceivers > 0 && <li>{text.andMore(number(receipt.omittedReceivers))}</li>}
          </ul>
        </>
      )}
      {(tick === 'refused' || tick === 'declined' || tick === 'not-sent') && (
        <p class="buttons">
          <button
            type="button"
            onClick={() => {
              showSent(sendAgain(send.message))
              onClose()
            }}
          >
            {text.retry}
          </button>
          <button
            type="button"
            onClick={() => {
              edit(send.message)
              onClose()
            }}
          >
            {text.edit}
          </button>
        </p>
      )}
    </div>
  )
}

interface StepProps {
  readonly name: string
  readonly reason?: string | undefined
  readonly isRefusal?: boolean
  readonly atMs: number
  readonly startMs: number
}

function Step({ name, reason, isRefusal = false, atMs, startMs }: StepProps) {
  return (
    <li data-refused={isRefusal}>
      <b>{name}</b>
      <span>{reason}</span>
      <Time atMs={atMs}>+{latency(atMs - startMs)}</Time>
    </li>
  )
}

function reasonOf(change: SendChange): string | undefined {
  return change.step === 'refused' ? refusal(change) : (change.refusal?.message ?? change.reason)
}

function outcomeOf({ outcome, reason }: Receiver): string {
  const names: Readonly<Record<string, string>> = words.value.outcomes
  return [names[outcome] ?? outcome, reason].filter((part) => part !== undefined).join(': ')
}

/** Beside the sign, within the window. */
function place(element: HTMLElement): void {
  const anchor = element.parentElement?.getBoundingClientRect()
  if (anchor === undefined) return
  const { width, height } = element.getBoundingClientRect()
  element.style.left = `${Math.max(8, Math.min(anchor.right - width, innerWidth - width - 8))}px`
  element.style.top = `${anchor.bottom + height + 8 > innerHeight ? Math.max(8, anchor.top - height - 4) : anchor.bottom + 4}px`
}
