import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { optionsTable } from '../src/config/help.ts'
import { ERROR_KINDS } from '../src/errors.ts'
import { DROP_REASONS, LIMITS } from '../src/observe/ledger.ts'
import { METRIC_ROWS } from '../src/observe/metrics.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
function part(name: string): string {
  const [, text = 'there is no such part'] = new RegExp(`<!-- ${name} -->\n([^]*?)<!-- /${name} -->`).exec(readme) ?? []
  return text.trim()
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

describe('README.md', () => {
  test('lists every option as the code has it', () => {
    expect(part('options')).toBe(optionsTable().trim())
  })

  test('lists every reason for a drop', () => {
    const rows = Object.entries(DROP_REASONS).map(([reason, meaning]) => [`\`${reason}\``, meaning])
    expect(part('drops')).toBe(table(['Reason', 'What happened'], rows))
  })

  test('lists every limit whose hits are counted', () => {
    const rows = Object.entries(LIMITS).map(([limit, meaning]) => [`\`${limit}\``, meaning])
    expect(part('limits')).toBe(table(['Limit', 'What happened'], rows))
  })

  test('lists every metric', () => {
    const rows = METRIC_ROWS.map(({ name, kind, label, help }) => [
      `\`${name}\``,
      kind,
      label === undefined ? '' : `\`${label}\``,
      help,
    ])
    expect(part('metrics')).toBe(table(['Metric', 'Type', 'Label', 'What it tells'], rows))
  })

  test('lists every error code with its exit code', () => {
    const rows = Object.entries(ERROR_KINDS).map(([code, kind]) => [`\`${code}\``, String(kind.exitCode)])
    expect(part('errors')).toBe(table(['Code', 'Exit code'], rows))
  })

  test('shows the commands within the first 40 lines', () => {
    expect(readme.split('\n').slice(0, 40)).toContain('npm install && npm start')
  })
})
