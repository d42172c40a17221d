import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { requireTool } from '../support/debian-tools.ts'
import { ask } from '../support/http-request.ts'
import { Prometheus } from '../support/prometheus.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDER = join(ROOT, 'examples/docker-compose')
const SCRAPE_GUARD_MS = 20_000

const run = promisify(execFile)

const Service = Type.Object({
  image: Type.String(),
  build: Type.Optional(Type.String()),
  command: Type.Optional(Type.Array(Type.String())),
  environment: Type.Optional(Type.Record(Type.String(), Type.String())),
  ports: Type.Array(Type.String()),
  /** source:target:mode; a source is a path from the file's folder, or the name of a volume. */
  volumes: Type.Array(Type.String()),
})
const Project = Type.Object({
  services: Type.Object({ hub: Service, prometheus: Service, grafana: Service }),
  volumes: Type.Record(Type.String(), Type.Unknown()),
})
const DataSources = Type.Object({
  datasources: Type.Array(Type.Object({ type: Type.String(), url: Type.String(), isDefault: Type.Boolean() })),
})
const Boards = Type.Object({ providers: Type.Array(Type.Object({ options: Type.Object({ path: Type.String() }) })) })

function read<T extends TSchema>(schema: T, yaml: string): Static<T> {
  const value: unknown = parse(yaml)
  if (Value.Check(schema, value)) return value
  throw new Error(`not as expected: ${JSON.stringify([...Value.Errors(schema, value)].slice(0, 3))}`)
}

function readFile(path: string): string {
  return readFileSync(join(FOLDER, path), 'utf8')
}

const { services, volumes } = read(Project, readFile('compose.yaml'))

/** Where a service finds a path of its own container on this machine. */
function pathOf(service: Static<typeof Service>, path: string): string | undefined {
  const mounts = service.volumes.map((volume) => volume.split(':'))
  const mount = mounts.find(([, target = '']) => path === target || path.startsWith(`${target}/`))
  if (mount === undefined) return undefined
  const [source = '', target = ''] = mount
  return source in volumes ? undefined : join(FOLDER, source, path.slice(target.length))
}

describe('compose.yaml', () => {
  test('is as docker-compose wants it, and everything that it mounts is there', async () => {
    await run('docker-compose', ['-f', join(FOLDER, 'compose.yaml'), 'config', '--quiet'])
    const sources = Object.values(services).flatMap((service) =>
      service.volumes.map((each) => each.split(':')[0] ?? ''),
    )
    expect(sources.length).toBeGreaterThan(5)
    const missing = sources.filter((source) => !(source in volumes) && !existsSync(join(FOLDER, source)))
    expect(missing).toEqual([])
    expect(resolve(FOLDER, services.hub.build ?? '')).toBe(resolve(ROOT))
  })

  test('publishes ports to this machine alone', () => {
    const ports = Object.values(services).flatMap((service) => service.ports)
    expect(ports).toEqual(['127.0.0.1:1883:1883', '127.0.0.1:8080:8080', '127.0.0.1:9090:9090', '127.0.0.1:3000:3000'])
  })

  test('gives the hub flags that it takes, and that let it be reached from outside of its container', async () => {
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const flags = services.hub.command ?? []
    const { stdout } = await run(process.execPath, [join(ROOT, bin.hubbub), 'config', '--json', ...flags], {
      cwd: FOLDER,
    })
    expect(JSON.parse(stdout).config).toMatchObject({
      host: '0.0.0.0',
      allowAnonymous: true,
      port: 1883,
      httpPort: 8080,
    })
  })

  test('has Grafana find its data source, its boards and its first page', () => {
    const { grafana } = services
    const sources = pathOf(grafana, '/etc/grafana/provisioning/datasources/prometheus.yaml') ?? ''
    const { datasources } = read(DataSources, readFileSync(sources, 'utf8'))
    expect(datasources).toEqual([
      { ...datasources[0], type: 'prometheus', url: 'http://prometheus:9090', isDefault: true },
    ])
    const boards = pathOf(grafana, '/etc/grafana/provisioning/dashboards/hubbub.yaml') ?? ''
    const { providers } = read(Boards, readFileSync(boards, 'utf8'))
    const firstPage = grafana.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? ''
    expect(providers.map(({ options }) => options.path)).toEqual([dirname(firstPage)])
    expect(JSON.parse(readFileSync(pathOf(grafana, firstPage) ?? '', 'utf8'))).toMatchObject({ title: 'Hubbub' })
  })
})

describe('prometheus.yml', () => {
  test('is as promtool wants it', async () => {
    const file = pathOf(services.prometheus, '/etc/prometheus/prometheus.yml') ?? ''
    const { stdout } = await run(requireTool('promtool'), ['check', 'config', file])
    expect(stdout).toMatch(/is valid prometheus config file syntax/)
  })

  test('has Prometheus read a hub, which takes the name that it is asked by', async () => {
    const { httpPort } = await startHubWithHttp()
    expect((await ask(httpPort, { path: '/metrics', headers: { host: 'hub:8080' } })).status).toBe(200)
    const written = readFile('prometheus.yml')
    const here = written.replace('hub:8080', `127.0.0.1:${httpPort}`).replace('15s', '1s')
    expect(here.length).not.toBe(written.length)
    const prometheus = await Prometheus.startWith(here)
    const deadlineMs = performance.now() + SCRAPE_GUARD_MS
    let found = 0
    while (found === 0 && performance.now() < deadlineMs) {
      found = await prometheus.count('up{job="hubbub"} == 1 and on(instance) hubbub_build_info')
    }
    expect(found).toBe(1)
  })
})
