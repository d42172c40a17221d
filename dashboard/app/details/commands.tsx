import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { apiUrl, ask } from '../state/api.ts'
import { showSent } from '../state/open.ts'
import { send } from '../state/sends.ts'
import { words } from '../words/words.ts'
import { type Command, type Field, readCommands } from './announcement.ts'

/** Forms for what a device announces in `devices/<id>/about` that it can do. */
export function Commands({ name }: { readonly name: string }) {
  const commands = useSignal<readonly Command[]>([])
  useEffect(() => {
    const load = async (): Promise<void> => {
      try {
        const about = await ask<{ payload?: string }>('GET', apiUrl('retained/one', { topic: `devices/${name}/about` }))
        commands.value = readCommands(about.payload ?? '')
      } catch {
        commands.value = []
      }
    }
    void load()
  }, [name])
  if (commands.value.length === 0) return null
  return (
    <section>
      <h3>{words.value.commands}</h3>
      {commands.value.map((command) => (
        <CommandForm key={command.name} device={name} command={command} />
      ))}
    </section>
  )
}

function CommandForm({ device, command }: { readonly device: string; readonly command: Command }) {
  const values = useSignal<Readonly<Record<string, unknown>>>(
    Object.fromEntries(command.fields.map(({ name, initial }) => [name, initial])),
  )
  return (
    <form
      class="command"
      onSubmit={(event) => {
        event.preventDefault()
        const payload = command.fields.length === 0 ? '' : JSON.stringify(values.value)
        const topic = `devices/${device}/cmd/${command.name}`
        showSent(send({ topic, payload, qos: 1, retain: false, wantsReply: true }))
      }}
    >
      <b>{command.title}</b>
      {command.fields.map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={values.value[field.name]}
          onChange={(value) => {
            values.value = { ...values.value, [field.name]: value }
          }}
        />
      ))}
      <button type="submit">{words.value.runCommand}</button>
    </form>
  )
}

interface FieldProps {
  readonly field: Field
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}

function FieldInput({ field: { name, type, choices, minimum, maximum }, value, onChange }: FieldProps) {
  if (type === 'boolean') {
    return (
      <label class="field field-check">
        <input
          type="checkbox"
          checked={value === true}
          onChange={({ currentTarget }) => onChange(currentTarget.checked)}
        />
        <span>{name}</span>
      </label>
    )
  }
  return (
    <label class="field">
      <span>{name}</span>
      {choices.length > 0 ? (
        <select value={String(value)} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : (
        <PlainInput type={type} value={value} minimum={minimum} maximum={maximum} onChange={onChange} />
      )}
    </label>
  )
}

type PlainProps = Pick<FieldProps, 'value' | 'onChange'> & Pick<Field, 'type' | 'minimum' | 'maximum'>

function PlainInput({ type, value, minimum, maximum, onChange }: PlainProps) {
  if (type !== 'number') {
    return <input required value={String(value)} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
  }
  return (
    <input
      type="number"
      step="any"
      required
      value={String(value)}
      onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
      {...(minimum !== undefined && { min: minimum })}
      {...(maximum !== undefined && { max: maximum })}
    />
  )
}
