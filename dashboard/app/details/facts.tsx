import { visible } from '../../worker/visible.ts'

/** Names and what they are; those without a value are left out. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, string | undefined])[] }) {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value], index) =>
          value !== undefined && (
            <div key={`${index} ${name}`}>
              <dt>
                <bdi>{visible(name)}</bdi>
              </dt>
              <dd>
                <bdi>{visible(value)}</bdi>
              </dd>
            </div>
          ),
      )}
    </dl>
  )
}
