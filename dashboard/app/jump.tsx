import { useSignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'
import { visible } from '../worker/visible.ts'
import { Modal } from './modal.tsx'
import { Avatar } from './sidebar/avatar.tsx'
import { conversations } from './state/conversations.ts'
import { dialog } from './state/layout.ts'
import { go, hrefOf } from './state/place.ts'
import { filterFault } from './state/topic-filter.ts'
import { words } from './words/words.ts'

const SHOWN = 12

/** Ctrl+K: any conversation or page by a part of its name. */
export function Jump() {
  const text = words.value
  const query = useSignal('')
  const index = useSignal(0)
  const { value: all } = conversations
  const wanted = query.value.toLowerCase()
  const found = useMemo(() => {
    const places = (['overview', 'retained'] as const)
      .filter((kind) => text[kind].toLowerCase().includes(wanted))
      .map((kind) => ({ href: `#/${kind}`, name: text[kind], conversation: undefined }))
    const hits = all
      .filter(({ name, filter }) => name.toLowerCase().includes(wanted) || filter.toLowerCase().includes(wanted))
      .map((conversation) => ({ href: hrefOf(conversation.id), name: conversation.name, conversation }))
    const name = query.value.trim()
    const isTopic = /[/+#]/.test(name) && filterFault(name) === undefined
    const filter = { href: hrefOf(`channel/${name}`), name: text.openAsFilter(name), conversation: undefined }
    return [...hits.slice(0, SHOWN), ...places, ...(isTopic ? [filter] : [])]
  }, [wanted, text, all])
  return (
    <Modal title={text.jump}>
      <input
        class="jump-input"
        autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls="jump-list"
        aria-activedescendant={`jump-${index.value}`}
        aria-label={text.jump}
        placeholder={text.jumpPlaceholder}
        value={query.value}
        onInput={({ currentTarget }) => {
          query.value = currentTarget.value
          index.value = 0
        }}
        onKeyDown={(event) => {
          const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
          if (step !== 0) {
            event.preventDefault()
            index.value = Math.max(0, Math.min(found.length - 1, index.value + step))
          } else if (event.key === 'Enter') open(found[index.value]?.href)
        }}
      />
      <ul id="jump-list" class="jump-list" role="listbox" aria-label={text.conversations}>
        {found.map(({ href, name, conversation }, at) => (
          <li key={href} id={`jump-${at}`} role="option" aria-selected={at === index.value} onClick={() => open(href)}>
            {conversation !== undefined && <Avatar conversation={conversation} />}
            <bdi>{visible(name)}</bdi>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="quiet">{text.nothingFound}</p>}
    </Modal>
  )
}

function open(href: string | undefined): void {
  if (href !== undefined) go(href)
  dialog.value = undefined
}
