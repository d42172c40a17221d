import type { Field } from '../../worker/announcement.ts'
import { words } from '../words/words.ts'
import { jsonFault } from './form-values.ts'

interface FieldProps {
  readonly field: Field
  /** As `form-values` has it. */
  readonly value: string
  readonly onChange: (value: string) => void
}

/** One parameter of a command, with the bounds of its schema: the browser says in its own words what is out of them. */
export function FieldInput(props: FieldProps) {
  const { field, value, onChange } = props
  const { title, unit, type, isRequired } = field
  const isOptional = !isRequired && field.initial === undefined
  if (type === 'boolean' && !isOptional) {
    return (
      <label class="field field-check">
        <input
          type="checkbox"
          checked={value === 'true'}
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

function Choice({ field, value, onChange, isOptional }: FieldProps & { readonly isOptional: boolean }) {
  const text = words.value
  const yesOrNo = [
    { json: 'true', text: text.yes },
    { json: 'false', text: text.no },
  ]
  return (
    <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {isOptional && <option value="">{text.leftAsIs}</option>}
      {(field.type === 'boolean' ? yesOrNo : field.choices).map((choice) => (
        <option key={choice.json} value={choice.json}>
          {yesOrNo.find(({ json }) => json === choice.json)?.text ?? choice.text}
        </option>
      ))}
    </select>
  )
}

function Text({ field, value, onChange }: FieldProps) {
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
