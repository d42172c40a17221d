import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { Jump } from './jump.tsx'
import { listenToKeys } from './keys.ts'
import { later } from './later.tsx'
import { Modal } from './modal.tsx'
import { save } from './state/conversations.ts'
import { dialog } from './state/layout.ts'
import { go, hrefOf } from './state/place.ts'
import { filterFault } from './state/topic-filter.ts'
import { language, messageStyle, myName, theme } from './state/settings.ts'
import { words } from './words/words.ts'

const Account = later(async () => (await import('./account/account.tsx')).Account)

/** What lies over the page. */
export function Dialogs() {
  useEffect(listenToKeys, [])
  switch (dialog.value) {
    case 'jump':
      return <Jump />
    case 'keys':
      return <Keys />
    case 'settings':
      return <Settings />
    case 'new':
      return <NewConversation />
    case 'account':
      return (
        <Modal title={words.value.account}>
          <Account />
        </Modal>
      )
    default:
      return null
  }
}

function Keys() {
  return (
    <Modal title={words.value.keys}>
      <dl class="keys">
        {Object.entries(words.value.keyNames).map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  )
}

function Settings() {
  const text = words.value
  return (
    <Modal title={text.settings}>
      <label class="field">
        <span>{text.yourName}</span>
        <input
          value={myName.value}
          placeholder={text.yourNamePlaceholder}
          onInput={({ currentTarget }) => (myName.value = currentTarget.value)}
        />
      </label>
      <Choice
        name={text.theme}
        setting={theme}
        choices={{ auto: text.themeAuto, light: text.themeLight, dark: text.themeDark }}
      />
      <Choice name={text.language} setting={language} choices={{ en: 'English', ru: 'Русский' }} />
      <Choice name={text.view} setting={messageStyle} choices={{ lines: text.viewLines, bubbles: text.viewBubbles }} />
    </Modal>
  )
}

interface ChoiceProps<T extends string> {
  readonly name: string
  readonly setting: { value: T }
  readonly choices: Readonly<Record<T, string>>
}

function Choice<T extends string>({ name, setting, choices }: ChoiceProps<T>) {
  const all = Object.entries<string>(choices).filter((entry): entry is [T, string] => entry[0] in choices)
  return (
    <fieldset class="field">
      <legend>{name}</legend>
      <span class="segments">
        {all.map(([value, label]) => (
          <label key={value} class="segment">
            <input
              type="radio"
              name={name}
              checked={setting.value === value}
              onChange={() => (setting.value = value)}
            />
            <span>{label}</span>
          </label>
        ))}
      </span>
    </fieldset>
  )
}

function NewConversation() {
  const text = words.value
  const name = useSignal('')
  const fault = filterFault(name.value)
  return (
    <Modal title={text.newRoom}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const { value } = name
          if (fault !== undefined) return
          const id = /[/+#]/.test(value) ? `channel/${value}` : `room/${value}`
          save(id)
          go(hrefOf(id))
          dialog.value = undefined
        }}
      >
        <p class="quiet">{text.newRoomHelp}</p>
        <label class="field">
          <span>{text.roomName}</span>
          <input
            value={name.value}
            spellcheck={false}
            onInput={({ currentTarget }) => (name.value = currentTarget.value)}
          />
        </label>
        {name.value !== '' && fault !== undefined && <p class="fault">{text[fault]}</p>}
        <p class="buttons">
          <button type="submit" class="primary" disabled={fault !== undefined}>
            {text.open}
          </button>
        </p>
      </form>
    </Modal>
  )
}
