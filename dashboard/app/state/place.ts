import { computed, signal } from '@preact/signals'

/** What is open, as the address says it. */
export type Place =
  | { readonly kind: 'home' }
  | { readonly kind: 'overview' }
  | { readonly kind: 'retained' }
  | { readonly kind: 'people' }
  | { readonly kind: 'add-device' }
  | { readonly kind: 'conversation'; readonly id: string }

const hash = signal(location.hash)
addEventListener('hashchange', () => {
  hash.value = location.hash
})

export const place = computed((): Place => {
  const [kind, ...rest] = hash.value.replace(/^#\/?/, '').split('/')
  if (kind === 'overview' || kind === 'retained' || kind === 'people' || kind === 'add-device') return { kind }
  if (kind === 'room' || kind === 'device' || kind === 'channel') {
    const name = decode(rest.join('/'))
    if (name !== '') return { kind: 'conversation', id: `${kind}/${name}` }
  }
  return { kind: 'home' }
})

/** The address of a conversation. */
export function hrefOf(id: string): string {
  const slash = id.indexOf('/')
  return `#/${id.slice(0, slash)}/${encodeURIComponent(id.slice(slash + 1))}`
}

/** Opens an address; `arrived` is called when it is open. */
export function go(href: string, arrived?: () => void): void {
  if (location.hash === href) {
    arrived?.()
    return
  }
  // Behind the one above, so that the place is known.
  if (arrived !== undefined) addEventListener('hashchange', arrived, { once: true })
  location.hash = href
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
