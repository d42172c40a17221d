import { useSignal } from '@preact/signals'
import { copyText } from '../copy.ts'
import { words } from '../words/words.ts'

/** Copies a text, and says whether that worked; `name` is what is copied, for who hears the page. */
export function CopyButton({ value, name }: { readonly value: string; readonly name: string }) {
  const text = words.value
  const outcome = useSignal<'copy' | 'copied' | 'notCopied'>('copy')
  return (
    <button
      type="button"
      aria-label={`${text[outcome.value]}: ${name}`}
      onClick={() => {
        void copyText(value).then((isDone) => (outcome.value = isDone ? 'copied' : 'notCopied'))
      }}
    >
      {text[outcome.value]}
    </button>
  )
}
