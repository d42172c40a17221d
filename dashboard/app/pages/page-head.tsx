import { AsOf } from '../as-of.tsx'
import { BackLink } from '../back-link.tsx'

interface PageHeadProps {
  readonly title: string
  /** When the page was last true, while there is no connection. */
  readonly asOfMs?: number | undefined
}

/** The title of a page; on a phone with the way back to the list. */
export function PageHead({ title, asOfMs }: PageHeadProps) {
  return (
    <header class="page-head">
      <BackLink />
      <h1>{title}</h1>
      {asOfMs !== undefined && <AsOf atMs={asOfMs} />}
    </header>
  )
}
