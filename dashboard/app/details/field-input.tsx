import { useId } from 'preact/hooks'
import type { Field } from '../../worker/announcement.ts'
import { startOf, visible } from '../../worker/visible.ts'
import { words } from '../words/words.ts'
import { type Change, jsonFault } from './form-values.ts'

/** Of a value beside its field; all of it is in the field. */
const SHOWN = 40

interface FieldProps {
  readonly field: Field
  /** As `form-values` has it. */
  readonly value: string
  /** The device has said what it is set to. */
  readonly isKnown: boolean
  /** What it would be set to instead. */
  readonly change: Change | undefined
  readonly onChange: (value: string) => void
}

interface InputProps extends FieldProps {
  readonly changeId: string
}

/** One parameter of a command, with the bounds of its schema: the browser says in its own words what is out of them. */
export function FieldInput(props: FieldProps) {
  const id = useId()
  return (
    <div class="field-of-command" data-known={props.isKnown}>
      <Input {...props} changeId={id} />
      {/* A slot of its own, so that nothing moves when it is filled. */}
      <span class="field-change" id={id}>
        {props.change !== undefined && <ChangeText change={props.change} />}
      </span>
    </div>
  )
}

function ChangeText({ change: { field, from, to } }: { readonly change: Change }) {
  const text = `${shownOf(field, from)} → ${shownOf(field, to)}`
  return <bdi title={text}>{text}</bdi>
}

function shownOf({ type, choices }: Field, value: string): string {
  const { yes, no, empty } = words.value
  if (type === 'boolean') return value === 'true' ? yes : no
  return choices.find(({ json }) => json === value)?.text ?? (value === '' ? empty : visible(startOf(value, SHOWN)))
}

function Input(props: InputProps) {
  const { field, value, isKnown, onChange, changeId } = props
  const { title, unit, type, isRequired, initial } = field
  const isOptional = !isRequired && initial === undefined && !isKnown
  if (type === 'boolean' && (isKnown || initial !== undefined)) {
    return (
      <label class="field field-check">
        <input
          type="checkbox"
          checked={value === 'true'}
          aria-describedby={changeId}
          onChange={({ currentTarget }) => onChange(String(currentTarget.checked))}
        />
        <bdi>{title}</bdi>
      </label>
    )
  }
  return (
    <label class="field">
      <span>
        <bdi>{title}</bdi>
        {unit !== undefined && (
          <span class="field-unit">
            , <bdi>{unit}</bdi>
          </span>
        )}
        {isOptional && <span class="field-unit"> ({words.value.optional})</span>}
      </span>
      {type === 'boolean' || type === 'choice' ? <Choice {...props} isOptional={isOptional} /> : <Text {...props} />}
    </label>
  )
}

function Choice({ field, value, onChange, isOptional, changeId }: InputProps & { readonly isOptional: boolean }) {
  const text = words.value
  const yesOrNo = [
    { json: 'true', text: text.yes },
    { json: 'false', text: text.no },
  ]
  return (
    <select
      value={value}
      required={field.isRequired}
      aria-describedby={changeId}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      {(isOptional || value === '') && <option value="">{isOptional ? text.leftAsIs : text.choose}</option>}
      {(field.type === 'boolean' ? yesOrNo : field.choices).map((choice) => (
        <option key={choice.json} value={choice.json}>
          {yesOrNo.find(({ json }) => json === choice.json)?.text ?? choice.text}
        </option>
      ))}
    </select>
  )
}

function Text({ field, value, onChange, changeId }: InputProps) {
  const { type, minimum, maximum, multipleOf, maxLength, pattern, isRequired } = field
  if (type === 'number' || type === 'integer') {
    const step = multipleOf ?? (type === 'integer' ? 1 : undefined)
    // A browser counts steps from `min`, a schema from 0.
    const isStepped = step !== undefined && Number.isInteger((minimum ?? 0) / step)
    return (
      <input
        type="number"
        step={isStepped ? step : 'any'}
        required={isRequired}
        value={value}
        aria-describedby={changeId}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
        {...(minimum !== undefined && { min: minimum })}
        {...(maximum !== undefined && { max: maximum })}
      />
    )
  }
  return (
    <input
      required={isRequired && type === 'json'}
      value={value}
      aria-describedby={changeId}
      onInput={({ currentTarget }) => {
        if (type === 'json') currentTarget.setCustomValidity(jsonFault(currentTarget.value) ?? '')
        onChange(currentTarget.value)
      }}
      {...(maxLength !== undefined && { maxLength })}
      // Not as `pattern`: the page would stand still while the browser tries one such as (a+)+$. The device knows what it takes.
      {...(pattern !== undefined && { title: words.value.fitsPattern(pattern) })}
    />
  )
}
