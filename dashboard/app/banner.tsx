import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { link, tryNow } from './state/hub.ts'
import { words } from './words/words.ts'

/** Says that there is no connection, why, and when it tries again. */
export function Banner() {
  const { state, retryAtMs, reason } = link.value
  const now = useSignal(Date.now())
  useEffect(() => {
    if (state === 'online') return undefined
    const timer = setInterval(() => {
      now.value = Date.now()
    }, 250)
    return () => clearInterval(timer)
  }, [state])
  const text = words.value
  const isShown = state === 'offline' || (state === 'connecting' && reason !== undefined)
  return (
    <div class="banner-slot" role="status" aria-live="polite">
      {isShown && (
        <div class="banner">
          <b>{text.offline}</b>
          {reason !== undefined && <span class="banner-reason">{reason}</span>}
          <span class="banner-next" aria-live="off">
            {state === 'connecting'
              ? text.connecting
              : text.retryIn(Math.max(0, Math.ceil(((retryAtMs ?? 0) - now.value) / 1000)))}
          </span>
          <button type="button" onClick={tryNow}>
            {text.retryNow}
          </button>
        </div>
      )}
    </div>
  )
}
