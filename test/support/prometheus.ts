import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Metrics } from '../../src/observe/metrics.ts'
import { requireTool } from './debian-tools.ts'
import { freePort } from './free-port.ts'
import { guarded, START_GUARD_MS } from './guard.ts'
import { startProcess } from './processes.ts'

/** Serves the metrics at any path until the test ends, and gives the port. */
export async function serveMetrics(metrics: Metrics): Promise<number> {
  const server = createServer((_request, response) => {
    void respond(metrics, response)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  return address !== null && typeof address === 'object' ? address.port : 0
}

async function respond(metrics: Metrics, response: ServerResponse): Promise<void> {
  const { contentType, body } = await metrics.scrape()
  response.setHeader('content-type', contentType)
  response.end(body)
}

/** A Prometheus with a configuration of its own. */
export class Prometheus {
  readonly #port: number

  private constructor(port: number) {
    this.#port = port
  }

  /** Scrapes a port of this machine every second. */
  static async start(scrapedPort: number): Promise<Prometheus> {
    const targets = `[{ targets: ['127.0.0.1:${scrapedPort}'] }]`
    return Prometheus.startWith(
      `global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: hub, static_configs: ${targets} }]\n`,
    )
  }

  /** `config` is what stands in its `prometheus.yml`. */
  static async startWith(config: string): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'hubbub-prometheus-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'prometheus.yml')
    writeFileSync(file, config)
    const port = await freePort()
    const program = await startProcess(requireTool('prometheus'), [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    const ready = program.stderr.firstThat((line) =>
      line.includes('ready to receive web requests') ? true : undefined,
    )
    await guarded(ready, () => `Prometheus; it says\n${program.stderr.items.join('\n')}`, START_GUARD_MS)
    return new Prometheus(port)
  }

  /** How many series a query gives now. Throws when it is no valid query. */
  async count(query: string): Promise<number> {
    const url = `http://127.0.0.1:${this.#port}/api/v1/query?${new URLSearchParams({ query }).toString()}`
    const answer: { status: string; error?: string; data?: { result: unknown[] } } = JSON.parse(
      await (await fetch(url)).text(),
    )
    if (answer.data === undefined) throw new Error(`${query}: ${answer.error}`)
    return answer.data.result.length
  }
}
