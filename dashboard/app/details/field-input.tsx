import { words } from '../words/words.ts'
import type { Field } from './announcement.ts'
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
        <span>{title}</span>
      </label>
    )
  }
  return (
    <label class="field">
      <span>
        {title}
        {unit !== undefined && <span class="field-unit">, {unit}</span>}
        {isOptional && <span class="field-unit"> ({words.value.optional})</span>}
      </span>
      {type === 'boolean' || type === 'choice' ? <Choice {...props} isOptional={isOptional} /> : <Text {...props} />}
    </label>
  )
}

function Choice({ field, value, onChange, isOptional }: FieldProps & { readonly isOptional: boolean }) {
  const text = words.value
  const choices: readonly unknown[] = field.type === 'boolean' ? [true, false] : field.choices
  return (
    <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {isOptional && <option value="">{text.leftAsIs}</option>}
      {choices.map((choice) => (
        <option key={JSON.stringify(choice)} value={JSON.stringify(choice)}>
          {choice === true ? text.yes : choice === false ? text.no : String(choice)}
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
      {...(pattern !== undefined && { pattern: `.*(?:${pattern}).*` })}
    />
  )
}
