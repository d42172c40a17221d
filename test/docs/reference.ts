import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installPackage } from '../support/npm-package.ts'
import { ROOT } from './pages.ts'

/** TypeDoc reads TypeScript by the API of its compiler, which TypeScript 7 has not: it brings a compiler of its own. */
const PLUGIN = ['typedoc-plugin-markdown', '4.14.1'] as const
const BESIDE = ['typedoc@0.28.20', 'typescript@6.0.3']

const INTRODUCTION = `# Reference

Everything that the package \`hubbub\` exports, as its source says it. [Embedding](embedding.md) shows how to use it. The options of
\`PartialConfig\` are in [Configuration](configuration.md), the values of \`ErrorCode\` in [Errors](errors.md). This page is made from
the source: do not edit it, run \`npm run reference\`.
`

export interface Reference {
  /** The page, in Markdown. */
  readonly text: string
  /** Types that an exported one names and that are not exported. */
  readonly missing: readonly string[]
}

/** Makes the reference of the package from `src/index.ts`. The first call installs TypeDoc, outside of the project. */
export async function generateReference(): Promise<Reference> {
  const plugin = await installPackage(...PLUGIN, BESIDE)
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-reference-'))
  try {
    const options = {
      entryPoints: [join(ROOT, 'src/index.ts')],
      tsconfig: join(ROOT, 'src/tsconfig.json'),
      plugin: [join(plugin, 'dist/index.js')],
      out: join(folder, 'out'),
      entryFileName: 'reference',
      router: 'module',
      readme: 'none',
      sort: ['kind', 'source-order'],
      disableSources: true,
      disableGit: true,
      githubPages: false,
      excludeExternals: true,
      excludePrivate: true,
      excludeInternal: true,
      hideBreadcrumbs: true,
      hidePageHeader: true,
      hidePageTitle: true,
      hideGroupHeadings: true,
      useCodeBlocks: true,
      parametersFormat: 'table',
      interfacePropertiesFormat: 'table',
      classPropertiesFormat: 'table',
      typeDeclarationFormat: 'table',
    }
    const optionsFile = join(folder, 'typedoc.json')
    writeFileSync(optionsFile, JSON.stringify(options))
    const typedoc = join(plugin, '../typedoc/bin/typedoc')
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [typedoc, '--options', optionsFile], {
      cwd: ROOT,
    })
    const missing = Array.from(
      `${stdout}${stderr}`.matchAll(/(\S+), defined in \S+, is referenced by (\S+) but not included/g),
      ([, name = '', by = '']) => `${name} of ${by}`,
    )
    const body = readFileSync(join(folder, 'out/reference.md'), 'utf8')
    return { text: `${INTRODUCTION}\n${body.trim()}\n`, missing: missing.toSorted() }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
