import type { HubMetrics } from '../../src/hub.ts'

/** The samples of a scrape: `hubbub_messages_sent_total{qos="1"}` and its value. */
export type Samples = ReadonlyMap<string, number>

export async function scrapeSamples(metrics: HubMetrics): Promise<Samples> {
  const { body } = await metrics.scrape()
  return new Map(
    body
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const space = line.lastIndexOf(' ')
        return [line.slice(0, space), Number(line.slice(space + 1))]
      }),
  )
}

/** The samples of one metric by the value of its only label. */
export function byLabel(samples: Samples, name: string): Record<string, number> {
  return Object.fromEntries(
    [...samples].flatMap(([key, value]) => {
      const [, label] = new RegExp(`^${name}\\{\\w+="([^"]*)"\\}$`).exec(key) ?? []
      return label === undefined ? [] : [[label, value]]
    }),
  )
}
