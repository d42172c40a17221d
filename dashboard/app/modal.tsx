import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from './icons.tsx'
import { dialog } from './state/layout.ts'
import { words } from './words/words.ts'

/** A window of its own; Esc and a click beside it close it. */
export function Modal({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null)
  const opened = useRef(dialog.peek())
  useEffect(() => {
    const before = document.activeElement
    box.current?.showModal()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      class="modal"
      ref={box}
      aria-label={title}
      // The event comes late: a key may have opened the next one already.
      onClose={() => {
        if (dialog.peek() === opened.current) close()
      }}
      onClick={(event) => {
        if (event.target === box.current) close()
      }}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" class="icon-button" aria-label={words.value.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {children}
    </dialog>
  )
}

function close(): void {
  dialog.value = undefined
}
