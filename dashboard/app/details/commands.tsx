import { type Signal, useSignal } from '@preact/signals'
import { link } from '../state/hub.ts'
import { showSent } from '../state/open.ts'
import { newId, send } from '../state/sends.ts'
import type { Announcement, Command } from '../../worker/announcement.ts'
import { number, words } from '../words/words.ts'
import { FieldInput } from './field-input.tsx'
import { initialValues, parametersOf, type Values } from './form-values.ts'

/** Commands, and fields of each, that are drawn at first; more on demand. */
const FIRST = 10
const MORE = 50

interface CommandsProps {
  readonly name: string
  readonly announcement: Announcement
}

/** Forms for what a device announces that it can do. */
export function Commands({ name, announcement: { commands, omittedCommands, protocol } }: CommandsProps) {
  const limit = useSignal(FIRST)
  if (commands.length === 0) return null
  return (
    <section>
      <h3>{words.value.commands}</h3>
      {commands.slice(0, limit.value).map((command) => (
        <CommandForm key={command.name} device={name} command={command} protocol={protocol} />
      ))}
      <More all={commands.length} omitted={omittedCommands} limit={limit} />
    </section>
  )
}

interface MoreProps {
  readonly all: number
  /** What the page does not even know. */
  readonly omitted: number
  readonly limit: Signal<number>
}

function More({ all, omitted, limit }: MoreProps) {
  const text = words.value
  if (all > limit.value) {
    return (
      <button
        type="button"
        onClick={() => {
          limit.value += MORE
        }}
      >
        {text.more} ({number(all + omitted - limit.value)})
      </button>
    )
  }
  return omitted > 0 ? <p class="quiet">{text.andMore(number(omitted))}</p> : null
}

interface FormProps {
  readonly device: string
  readonly command: Command
  readonly protocol: 4 | 5
}

function CommandForm({ device, command, protocol }: FormProps) {
  const values = useSignal<Values>(initialValues(command.fields))
  const limit = useSignal(FIRST)
  return (
    <form
      class="command"
      aria-label={command.title}
      onSubmit={(event) => {
        event.preventDefault()
        const id = newId()
        const parameters = parametersOf(command.fields, values.value)
        const reply = { responseTopic: `replies/${link.peek().clientId}`, correlationData: id }
        const payload = JSON.stringify(protocol === 4 ? { ...parameters, ...reply } : parameters)
        const topic = `devices/${device}/cmd/${command.name}`
        showSent(send({ topic, payload, qos: 1, retain: false, wantsReply: true }, id))
      }}
    >
      <b>
        <bdi>{command.title}</bdi>
      </b>
      {command.fields.slice(0, limit.value).map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={values.value[field.name] ?? ''}
          onChange={(value) => {
            values.value = { ...values.value, [field.name]: value }
          }}
        />
      ))}
      <More all={command.fields.length} omitted={command.omittedFields} limit={limit} />
      <button type="submit">{words.value.runCommand}</button>
    </form>
  )
}
