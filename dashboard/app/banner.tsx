import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { link, tryNow } from './state/hub.ts'
import { linkLostAtMs } from './state/outage.ts'
import { moment } from './words/format.ts'
import { words } from './words/words.ts'

/** A pause that is shorter is not counted down: the words would change with each attempt. */
const COUNTED_MS = 3000

/** Says in a row of its own that there is no connection, since when, and when it tries again. */
export function Banner() {
  const text = words.value
  const lostAtMs = linkLostAtMs.value
  const isShown = lostAtMs !== undefined
  const wasShown = useRef(false)
  const slot = useRef<HTMLDivElement>(null)
  const height = useRef(0)
  // Before anything moves.
  const tops = isShown === wasShown.current ? [] : scrollTops()
  useLayoutEffect(() => {
    wasShown.current = isShown
    const now = slot.current?.offsetHeight ?? 0
    // What one reads stays where it is, though its frame begins lower or higher.
    for (const [element, top] of tops) element.scrollTop = top + now - height.current
    height.current = now
  }, [isShown])
  return (
    <div class="banner-slot" role="status" aria-atomic="false" ref={slot}>
      {isShown ? (
        <div class="banner">
          <Icon name="warning" />
          <Said text={text.offlineSince(moment(lostAtMs))} />
          <NextTry />
          <button type="button" aria-label={text.retryNow} title={text.retryNow} onClick={tryNow}>
            <Icon name="again" />
            <span>{text.retryNow}</span>
          </button>
        </div>
      ) : (
        wasShown.current && <span class="for-readers">{text.connectedAgain}</span>
      )}
    </div>
  )
}

function Said({ text }: { readonly text: string }) {
  const { reason } = link.value
  const more = [words.value.offlineHelp, reason].filter((part) => part !== undefined).join(' · ')
  return (
    <p title={more}>
      <b>{text}.</b> <span>{more}</span>
    </p>
  )
}

function NextTry() {
  const { retryAtMs, atMs } = link.value
  const now = useSignal(Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now()
    }, 250)
    return () => clearInterval(timer)
  }, [])
  const text = words.value
  const isCounted = retryAtMs !== undefined && retryAtMs - atMs > COUNTED_MS && retryAtMs > now.value
  return (
    <span class="banner-next" aria-live="off">
      {isCounted ? text.retryIn(Math.ceil((retryAtMs - now.value) / 1000)) : text.connecting}
    </span>
  )
}

function scrollTops(): readonly (readonly [element: Element, top: number])[] {
  return [...document.querySelectorAll('.scroller, .page, .details-body')].map((one) => [one, one.scrollTop])
}
