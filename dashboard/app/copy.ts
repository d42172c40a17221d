/** Copies a text, and returns whether that worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // Missing on a page that came over plain HTTP from another machine.
    if (isSecureContext) {
      await navigator.clipboard.writeText(text)
      return true
    }
  } catch {
    // Not allowed, perhaps; the old way may be.
  }
  return copyBySelection(text)
}

/** The old way: out of a field that nobody sees, which gives the focus back. */
function copyBySelection(text: string): boolean {
  const before = document.activeElement
  const field = document.createElement('textarea')
  field.value = text
  field.readOnly = true
  field.setAttribute('aria-hidden', 'true')
  field.className = 'for-readers'
  // Within a dialog, outside of which nothing can have the focus.
  const room = before?.closest('dialog') ?? document.body
  room.append(field)
  field.select()
  // oxlint-disable-next-line typescript/no-deprecated -- there is no other way without a secure context
  const isCopied = document.execCommand('copy')
  field.remove()
  if (before instanceof HTMLElement) before.focus({ preventScroll: true })
  return isCopied
}
