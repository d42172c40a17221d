import { useSignal } from '@preact/signals'
import { link } from '../state/hub.ts'
import { showSent } from '../state/open.ts'
import { newId, send } from '../state/sends.ts'
import { words } from '../words/words.ts'
import type { Announcement, Command } from './announcement.ts'
import { FieldInput } from './field-input.tsx'
import { initialValues, parametersOf, type Values } from './form-values.ts'

interface CommandsProps {
  readonly name: string
  readonly announcement: Announcement
}

/** Forms for what a device announces that it can do. */
export function Commands({ name, announcement: { commands, protocol } }: CommandsProps) {
  if (commands.length === 0) return null
  return (
    <section>
      <h3>{words.value.commands}</h3>
      {commands.map((command) => (
        <CommandForm key={command.name} device={name} command={command} protocol={protocol} />
      ))}
    </section>
  )
}

interface FormProps {
  readonly device: string
  readonly command: Command
  readonly protocol: 4 | 5
}

function CommandForm({ device, command, protocol }: FormProps) {
  const values = useSignal<Values>(initialValues(command.fields))
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
      <b>{command.title}</b>
      {command.fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={values.value[field.name] ?? ''}
          onChange={(value) => {
            values.value = { ...values.value, [field.name]: value }
          }}
        />
      ))}
      <button type="submit">{words.value.runCommand}</button>
    </form>
  )
}
