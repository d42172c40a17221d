import { type Signal, signal } from '@preact/signals'
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import { type RefObject } from 'preact'
import { useLayoutEffect, useMemo } from 'preact/hooks'

interface VirtualOptions {
  readonly scroller: RefObject<HTMLElement | null>
  readonly count: number
  /** How high a row is, or about. */
  readonly pixelsOf: (index: number) => number
  readonly keyOf: (index: number) => number | string
  /** Keeps to the newest while one is there, and to the row one reads otherwise. */
  readonly isChat: boolean
  readonly moved?: (virtualizer: Virtualizer<HTMLElement, HTMLElement>) => void
}

/** Rows of a long list that are in sight, and a few around them. */
export function useVirtual({ scroller, count, pixelsOf, keyOf, isChat, moved }: VirtualOptions) {
  const { virtualizer, changes } = useMemo(() => create(), [])
  // Reading it has the component drawn anew when other rows come into sight.
  void changes.value
  virtualizer.setOptions({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: pixelsOf,
    getItemKey: keyOf,
    overscan: 6,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    ...(isChat && { anchorTo: 'end', followOnAppend: true, scrollEndThreshold: 24 }),
    onChange: (instance) => {
      moved?.(instance)
      changes.value++
    },
  })
  // oxlint-disable-next-line no-underscore-dangle -- what the library's own adapters call
  useLayoutEffect(() => virtualizer._didMount(), [])
  // oxlint-disable-next-line no-underscore-dangle -- as above
  useLayoutEffect(() => virtualizer._willUpdate())
  return virtualizer
}

function create(): { virtualizer: Virtualizer<HTMLElement, HTMLElement>; changes: Signal<number> } {
  const virtualizer = new Virtualizer<HTMLElement, HTMLElement>({
    count: 0,
    getScrollElement: () => null,
    estimateSize: () => 1,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
  })
  return { virtualizer, changes: signal(0) }
}
