import { Icon } from './icons.tsx'
import { leave } from './state/history.ts'
import { words } from './words/words.ts'

/** On a phone the way back to the list. */
export function BackLink() {
  return (
    <a
      class="icon-button only-narrow"
      href="#/"
      aria-label={words.value.back}
      onClick={(event) => {
        event.preventDefault()
        leave()
      }}
    >
      <Icon name="back" />
    </a>
  )
}
