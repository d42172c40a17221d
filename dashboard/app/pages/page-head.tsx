import { Icon } from '../icons.tsx'
import { words } from '../words/words.ts'

/** The title of a page; on a phone with the way back to the list. */
export function PageHead({ title }: { readonly title: string }) {
  return (
    <header class="page-head">
      <a class="icon-button only-narrow" href="#/" aria-label={words.value.back}>
        <Icon name="back" />
      </a>
      <h1>{title}</h1>
    </header>
  )
}
