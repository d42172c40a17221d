import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { link } from '../state/hub.ts'
import { showSent } from '../state/open.ts'
import { denialOf, usePermission } from '../state/permission.ts'
import { isOperator } from '../state/session.ts'
import { newId, send } from '../state/sends.ts'
import type { Announcement, Command } from '../../worker/announcement.ts'
import { number, words } from '../words/words.ts'
import { FieldInput } from './field-input.tsx'
import { changesOf, currentValues, type Members, parametersOf, runFault, valueIn, type Values } from './form-values.ts'
import { useLastSaid } from './use-last-said.ts'

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
  const state = useLastSaid(`devices/${name}/state`)
  const telemetry = useLastSaid(`devices/${name}/telemetry`)
  if (commands.length === 0 || !isOperator.value) return null
  return (
    <section>
      <h3>{words.value.commands}</h3>
      {commands.slice(0, limit.value).map((command) => (
        <CommandForm
          key={command.name}
          device={name}
          command={command}
          protocol={protocol}
          reported={[state, telemetry]}
        />
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
  /** What the device says of itself, the surest first. */
  readonly reported: readonly (Members | undefined)[]
}

/** Begins with what the device is set to; what is put in stays until the device has it. */
function CommandForm({ device, command: { name, title, fields, omittedFields }, protocol, reported }: FormProps) {
  const text = words.value
  const topic = `devices/${device}/cmd/${name}`
  const told = useLastSaid(topic)
  const edits = useSignal<Values>(new Map())
  const limit = useSignal(FIRST)
  const current = useMemo(() => {
    const known = currentValues(fields, reported)
    // A parameter with a default is none that a device is set to.
    const untold = fields.filter((field) => !known.has(field.name) && field.initial === undefined)
    return new Map([...known, ...currentValues(untold, [told])])
  }, [fields, ...reported, told])
  useEffect(() => {
    const changing = new Set(changesOf(fields, edits.peek(), current).map(({ field }) => field.name))
    // Who has emptied a field is about to write in it.
    const isOpen = ([field, written]: readonly [string, string]): boolean =>
      written === '' || !current.has(field) || changing.has(field)
    edits.value = new Map([...edits.peek()].filter(isOpen))
  }, [current])
  const changes = changesOf(fields, edits.value, current)
  const fault = runFault(fields, edits.value, current)
  const denial = denialOf(usePermission(topic))
  return (
    <form
      class="command"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault()
        if (fault !== undefined || denial !== undefined) return
        const id = newId()
        const parameters = parametersOf(fields, edits.value, current)
        const reply = { responseTopic: `replies/${link.peek().clientId}`, correlationData: id }
        const payload = JSON.stringify(protocol === 4 ? { ...parameters, ...reply } : parameters)
        showSent(send({ topic, payload, qos: 1, retain: false, wantsReply: true }, id))
      }}
    >
      <b>
        <bdi>{title}</bdi>
      </b>
      {fields.slice(0, limit.value).map((field) => (
        <FieldInput
          key={field.name}
          field={field}
          value={valueIn(field, edits.value, current)}
          isKnown={current.has(field.name)}
          change={changes.find((change) => change.field === field)}
          onChange={(value) => {
            edits.value = new Map(edits.value).set(field.name, value)
          }}
        />
      ))}
      <More all={fields.length} omitted={omittedFields} limit={limit} />
      <span class="command-run">
        <button type="submit" disabled={fault !== undefined || denial !== undefined}>
          {text.runCommand}
        </button>
        {denial !== undefined && <span class="fault">{denial}</span>}
        {denial === undefined && fault !== undefined && <span class="quiet">{text.runFaults[fault]}</span>}
      </span>
    </form>
  )
}
