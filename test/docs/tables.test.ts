import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CONFIG_JUDGES } from '../../src/assemble/config-checks.ts'
import { explainAccess } from '../../src/cli/access-commands.ts'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { optionsTable } from '../../src/cli/help.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ERROR_KINDS } from '../../src/base/errors.ts'
import { MEMORY_PARTS } from '../../src/base/memory-account.ts'
import { LIMITS, TOLERATED } from '../../src/observe/ledger.ts'
import { DROP_REASONS } from '../../src/protocol/drop-reasons.ts'
import { PROBLEMS } from '../../src/http/problem.ts'
import { METRIC_ROWS } from '../../src/observe/metrics.ts'
import { ApiClient, fieldOf } from '../support/api.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { codeBlocks, readPage } from './pages.ts'

/** What stands between `<!-- name -->` and `<!-- /name -->` in a page. */
function part(page: string, name: string): string {
  const [, text = 'there is no such part'] =
    new RegExp(`<!-- ${name} -->\n([^]*?)<!-- /${name} -->`).exec(readPage(page)) ?? []
  return text.trim()
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

describe('docs/configuration.md', () => {
  test('lists every option as the code has it', () => {
    expect(part('docs/configuration.md', 'options')).toBe(optionsTable().trim())
  })
})

describe.each(['docs/configuration.md', 'docs/history.md', 'docs/security.md'])('The configuration in %s', (page) => {
  test('is accepted', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'hubbub-docs-'))
    onTestFinished(() => rmSync(cwd, { recursive: true }))
    const files = codeBlocks(readPage(page), 'yaml')
    expect(files).not.toEqual([])
    for (const file of files) {
      writeFileSync(join(cwd, 'hubbub.yaml'), file)
      // The pages begin with a user.
      const judges = { ...CONFIG_JUDGES, hasUsers: () => true }
      const { origins } = loadConfig({ flags: [], file: undefined, env: {}, cwd }, undefined, judges)
      expect([...origins.values()].filter((origin) => origin.startsWith('hubbub.yaml:'))).not.toEqual([])
    }
  })
})

describe('docs/security.md', () => {
  test('shows what "access explain" says of its example', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'hubbub-docs-'))
    onTestFinished(() => rmSync(cwd, { recursive: true }))
    const page = readPage('docs/security.md')
    const file = codeBlocks(page, 'yaml').find((block) => block.startsWith('access:')) ?? ''
    writeFileSync(join(cwd, 'hubbub.yaml'), file)
    const command = codeBlocks(page, 'sh').find((block) => block.startsWith('hubbub access explain')) ?? ''
    const { flags, words } = readCommandLine(command.trim().split(' ').slice(1))
    expect(words).toEqual(['access', 'explain'])
    writeFileSync(join(cwd, 'users.ndjson'), '{"hubbub":"users","version":1}\n{"user":"anna"}\n')
    const { options } = readCommandLine(['--data', cwd])
    const completed = loadConfig({ flags: options, file: undefined, env: {}, cwd })
    const said = await explainAccess({ operand: '', flags, loadConfig: async () => completed })
    expect(codeBlocks(page, 'text')).toContain(said)
  })
})

describe('docs/limits-and-drops.md', () => {
  test('lists every reason for a drop', () => {
    const rows = Object.entries(DROP_REASONS).map(([reason, meaning]) => [`\`${reason}\``, meaning])
    expect(part('docs/limits-and-drops.md', 'drops')).toBe(table(['Reason', 'What happened'], rows))
  })

  test('lists every part of the hub that holds memory for clients', () => {
    const rows = Object.entries(MEMORY_PARTS).map(([name, { holds, whenShort }]) => [`\`${name}\``, holds, whenShort])
    expect(part('docs/limits-and-drops.md', 'memory')).toBe(
      table(['Part', 'What it holds', 'When there is no memory for more'], rows),
    )
  })

  test('lists every fault that is put up with', () => {
    const rows = Object.entries(TOLERATED).map(([fault, meaning]) => [`\`${fault}\``, meaning])
    expect(part('docs/limits-and-drops.md', 'tolerated')).toBe(table(['Fault', 'What happened'], rows))
  })

  test('lists every limit whose hits are counted', () => {
    const rows = Object.entries(LIMITS).map(([limit, meaning]) => [`\`${limit}\``, meaning])
    expect(part('docs/limits-and-drops.md', 'limits')).toBe(table(['Limit', 'What happened'], rows))
  })
})

describe('docs/metrics.md', () => {
  test('lists every metric', () => {
    const rows = METRIC_ROWS.map(({ name, kind, label, help }) => [
      `\`${name}\``,
      kind,
      label === undefined ? '' : `\`${label}\``,
      help,
    ])
    expect(part('docs/metrics.md', 'metrics')).toBe(table(['Metric', 'Type', 'Label', 'What it tells'], rows))
  })
})

describe('docs/errors.md', () => {
  test('lists every error code with its exit code, and says what it means', () => {
    const [head, , ...rows] = part('docs/errors.md', 'errors').split('\n')
    expect(head).toBe('| Code | Exit code | What it means |')
    const cells = rows.map((row) => /^\| `(\w+)` \| (\d+) \| .+\. \|$/.exec(row)?.slice(1) ?? [row])
    expect(cells).toEqual(Object.entries(ERROR_KINDS).map(([code, kind]) => [code, String(kind.exitCode)]))
  })
})

describe('docs/http-api.md', () => {
  test('lists every route', async () => {
    const { httpPort } = await startHubWithHttp()
    const paths = Object(fieldOf(await new ApiClient(httpPort).get('/openapi.json'), 'paths'))
    const routes = Object.keys(paths)
      .filter((path) => path.startsWith('/api/v1/'))
      .flatMap((path) =>
        Object.keys(Object(paths[path])).map((method) => `${method.toUpperCase()} ${path.slice('/api/v1'.length)}`),
      )
    const rows = part('docs/http-api.md', 'routes').split('\n').slice(2)
    const listed = rows.map((row) => /^\| `(.+)` \| .{9,} \|$/.exec(row)?.[1] ?? row)
    expect(listed.toSorted()).toEqual(routes.toSorted())
  })

  test('lists every kind of problem', () => {
    const rows = Object.entries(PROBLEMS).map(([kind, [status, title]]) => [`\`${kind}\``, String(status), title])
    expect(part('docs/http-api.md', 'problems')).toBe(table(['Type', 'Status', 'Title'], rows))
  })
})
