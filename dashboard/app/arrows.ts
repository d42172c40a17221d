/** The keys that go back and on. */
export const ALONG = ['ArrowLeft', 'ArrowRight'] as const
export const DOWN = ['ArrowUp', 'ArrowDown'] as const

/**
 * Moves the focus by the arrow keys among elements that are one stop of Tab together. From elsewhere in their box it goes to the first
 * in sight, or backwards to the last.
 */
export function moveByArrows(
  event: KeyboardEvent,
  [back, on]: typeof ALONG | typeof DOWN,
  box: Element | null | undefined,
  all: readonly HTMLElement[],
): void {
  const { key, target } = event
  if (box == null || !(target instanceof HTMLElement) || (key !== back && key !== on)) return
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
  const own = all.indexOf(target)
  const at = own === -1 ? all.findIndex((one) => one.parentElement?.contains(target)) : own
  const step = key === back ? -1 : 1
  const next = at === -1 ? firstInSight(step === 1 ? all : all.toReversed(), box) : all[at + step]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

function firstInSight(all: readonly HTMLElement[], box: Element): HTMLElement | undefined {
  const { top, bottom } = box.getBoundingClientRect()
  return all.find((one) => {
    const own = one.getBoundingClientRect()
    return own.top >= top && own.bottom <= bottom
  })
}

/** What matches in a box, in its order. */
export function within(box: Element | null | undefined, selector: string): readonly HTMLElement[] {
  return [...(box?.querySelectorAll<HTMLElement>(selector) ?? [])]
}
