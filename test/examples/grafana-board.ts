import { readFileSync } from 'node:fs'

const FILE = new URL('../../examples/grafana/hubbub.json', import.meta.url)

/** The PromQL of each panel of the Grafana dashboard, with the variables that Grafana fills in. */
export function readDashboardQueries(): string[] {
  const queries: string[] = []
  JSON.parse(readFileSync(FILE, 'utf8'), (key, value: unknown) => {
    if (key === 'expr' && typeof value === 'string') queries.push(value)
    return value
  })
  return queries
}

/** A query as Grafana sends it. */
export function fillIn(query: string): string {
  return query.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h')
}
