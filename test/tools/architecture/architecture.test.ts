import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkArchitecture } from './architecture.ts'

const FOLDERS = ['src', 'test', 'devices', 'dashboard']

test('The repository keeps the architecture of design.md and style.md', () => {
  expect(checkArchitecture(readRepository())).toEqual([])
})

test('checkArchitecture reads all of the repository', () => {
  const paths = [...readRepository().keys()]
  expect(paths).toContain('src/hub.ts')
  expect(paths).toContain('src/router/router.ts')
  expect(paths).toContain('test/tools/architecture/architecture.test.ts')
})

describe('checkArchitecture reports', () => {
  test('an import from a room above', () => {
    expect(check('src/router/a.ts', "import { b } from '../session/b.ts'")).toEqual([
      'src/router/a.ts:1: room "router" may not import from "session", which is above it',
    ])
    expect(check('src/store/a.ts', "import type { B } from '../router/b.ts'")).toEqual([
      'src/store/a.ts:1: room "store" may not import from "router", which is above it',
    ])
    expect(check('src/hub.ts', "export * from './cli.ts'")).toEqual([
      'src/hub.ts:1: room "hub" may not import from "cli", which is above it',
    ])
  })

  test('an import from a room above however it is written', () => {
    const fault = 'room "router" may not import from "hub", which is above it'
    expect(check('src/router/a.ts', "\nimport {\n  a,\n  type B,\n} from '../hub.ts'")).toEqual([
      `src/router/a.ts:2: ${fault}`,
    ])
    expect(check('src/router/a.ts', "import '../hub.ts'")).toEqual([`src/router/a.ts:1: ${fault}`])
    expect(check('src/router/a.ts', "import * as hub from '../hub.ts'")).toEqual([`src/router/a.ts:1: ${fault}`])
    expect(check('src/router/a.ts', "export { a } from '../hub.ts'")).toEqual([`src/router/a.ts:1: ${fault}`])
    expect(check('src/router/a.ts', "const a = () => import('../hub.ts')")).toEqual([`src/router/a.ts:1: ${fault}`])
    expect(check('src/router/a.ts', 'const a = `${"x"}`\nimport "../hub.ts"')).toEqual([`src/router/a.ts:2: ${fault}`])
  })

  test('an import from the room beside it, also of types', () => {
    expect(check('src/http/a.ts', "import type { B } from '../history/b.ts'")).toEqual([
      'src/http/a.ts:1: room "http" may not import from "history", which is beside it',
    ])
    expect(check('src/trails/a.ts', "import { b } from '../observe/b.ts'")).toEqual([
      'src/trails/a.ts:1: room "trails" may not import from "observe", which is beside it',
    ])
  })

  test('files that import each other in a circle, also by types alone', () => {
    const files = new Map([
      ['src/store/a.ts', "import type { B } from './b.ts'"],
      ['src/store/b.ts', "import type { C } from './deep/c.ts'"],
      ['src/store/deep/c.ts', "import type { A } from '../a.ts'"],
      ['src/store/d.ts', "import type { A } from './a.ts'"],
      ['dashboard/app/a.tsx', "import { b } from './b.tsx'"],
      ['dashboard/app/b.tsx', "import { a } from './a.tsx'"],
      ['test/a.ts', "import { b } from './b.ts'"],
      ['test/b.ts', "import { a } from './a.ts'"],
    ])
    expect(checkArchitecture(files)).toEqual([
      'dashboard/app/a.tsx:1: imports itself in a circle: dashboard/app/a.tsx → dashboard/app/b.tsx → dashboard/app/a.tsx',
      'src/store/a.ts:1: imports itself in a circle: src/store/a.ts → src/store/b.ts → src/store/deep/c.ts → src/store/a.ts',
    ])
  })

  test('a room of the ground floor that imports from above', () => {
    expect(check('src/protocol/a.ts', "import { b } from '../store/b.ts'")).toEqual([
      'src/protocol/a.ts:1: room "protocol" may not import from "store", which is above it',
    ])
    expect(check('src/base/a.ts', "import { b } from '../protocol/b.ts'")).toEqual([
      'src/base/a.ts:1: room "base" may not import from "protocol", which is above it',
    ])
  })

  test('an index that hands out a part of the hub', () => {
    expect(check('src/index.ts', "export { Router } from './router/router.ts'")).toEqual([
      'src/index.ts:1: room "index" may import only types from "router"',
    ])
    expect(check('src/index.ts', "export type { Router } from './router/router.ts'")).toEqual([])
  })

  test('a value of the configuration outside of the hub', () => {
    expect(check('src/session/a.ts', "import { b } from '../config/b.ts'")).toEqual([
      'src/session/a.ts:1: room "session" may import only types from "config"',
    ])
  })

  test('an import from outside of src', () => {
    expect(check('src/hub.ts', "import { a } from '../test/support/a.ts'")).toEqual([
      'src/hub.ts:1: imports "../test/support/a.ts", which is outside of src',
    ])
  })

  test('a folder without a row', () => {
    expect(check('src/utils/a.ts', '')).toEqual(['src/utils/a.ts:1: room "utils" stands on no floor'])
    expect(check('src/helpers.ts', '')).toEqual(['src/helpers.ts:1: room "helpers" stands on no floor'])
  })

  test('a package outside of its folders', () => {
    const cases = [
      ['aedes', 'src/broker'],
      ['ws', 'src/listeners'],
      ['pino', 'src/base'],
      ['fastify', 'src/http'],
      ['preact', 'dashboard/app'],
    ]
    for (const [name = '', folder = ''] of cases) {
      expect(check('src/session/a.ts', `import { b } from '${name}'`)).toEqual([
        `src/session/a.ts:1: package "${name}" belongs in ${folder}`,
      ])
      expect(check(`${folder}/deep/a.ts`, `import { b } from '${name}'`)).toEqual([])
    }
    expect(check('src/store/memory/a.ts', "import { b } from 'lmdb'")).toEqual([
      'src/store/memory/a.ts:1: package "lmdb" belongs in src/store/disk, src/history/log, src/bridges',
    ])
  })

  test('a package without a folder', () => {
    expect(check('src/store/a.ts', "import { b } from '@scope/b/deep'")).toEqual([
      'src/store/a.ts:1: package "@scope/b" has no folder',
    ])
    expect(check('devices/a.ts', "import { b } from 'left-pad'")).toEqual([
      'devices/a.ts:1: package "left-pad" has no folder',
    ])
  })

  test('a file over its ceiling', () => {
    expect(check('src/store/a.ts', '//\n'.repeat(401))).toEqual(['src/store/a.ts:401: is longer than 400 lines'])
    expect(check('test/store/a.test.ts', '//\n'.repeat(601))).toEqual([
      'test/store/a.test.ts:601: is longer than 600 lines',
    ])
    expect(check('src/store/a.ts', '//\n'.repeat(400))).toEqual([])
    expect(check('test/store/a.test.ts', '//\n'.repeat(600))).toEqual([])
  })

  test('process.exit and process.env outside of cli and config', () => {
    const fault = 'uses process.exit or process.env'
    expect(check('src/hub.ts', 'process.exit(1)')).toEqual([`src/hub.ts:1: ${fault}`])
    expect(check('src/observe/a.ts', "const a = process.env['A']")).toEqual([`src/observe/a.ts:1: ${fault}`])
    expect(check('src/cli/a.ts', 'process.exit(1)')).toEqual([])
    expect(check('src/config/a.ts', "const a = process.env['A']")).toEqual([])
    expect(check('src/hub.ts', 'process.exitCode = 1')).toEqual([])
  })

  test('a default export', () => {
    expect(check('src/hub.ts', '\nexport default 1')).toEqual(['src/hub.ts:2: has a default export'])
    expect(check('test/a.test.ts', 'const a = 1\nexport { a as default }')).toEqual([
      'test/a.test.ts:2: has a default export',
    ])
    expect(check('test/vitest.config.ts', 'export default {}')).toEqual([])
  })

  test('devices or a dashboard that import from src', () => {
    expect(check('devices/a.ts', "import { b } from '../src/b.ts'")).toEqual(['devices/a.ts:1: imports from src'])
    expect(check('dashboard/app/a.tsx', "import { b } from '../../src/b.ts'")).toEqual([
      'dashboard/app/a.tsx:1: imports from src',
    ])
    const api = '../../src/http/api-types.ts'
    expect(check('dashboard/app/a.tsx', `import { b } from '${api}'`)).toEqual([
      'dashboard/app/a.tsx:1: imports from src',
    ])
    expect(check('dashboard/app/a.tsx', `import type { B } from '${api}'`)).toEqual([])
    expect(check('devices/kinds/a.ts', `import type { B } from '${api}'`)).toEqual([
      'devices/kinds/a.ts:1: imports from src',
    ])
  })

  test('what allocates or waits in a method of a hot path', () => {
    const faults: readonly (readonly [statement: string, name: string])[] = [
      ['await b', 'await'],
      ['const c = [...b]', 'spread or rest'],
      ['JSON.stringify(b)', 'JSON.'],
      ["new RegExp('b')", 'new RegExp'],
      ['b.map(String)', '.map('],
      ['b.filter(Boolean)', '.filter('],
      ['b.forEach(print)', '.forEach('],
      ['print(() => 1)', 'a closure'],
      ['print((c: number): number => 1)', 'a closure'],
      ['print(c => 1)', 'a closure'],
      ['const c = function () {}', 'a closure'],
      ['if (b) { for (;;) { print(() => { a() }) } }', 'a closure'],
    ]
    for (const [statement, name] of faults) {
      const fault = [`src/session/a.ts:4: has ${name} in a hot path`]
      expect(check('src/session/a.ts', `// Hot path: x\nclass A {\n  b(): void {\n    ${statement}\n  }\n}\n`)).toEqual(
        fault,
      )
      expect(check('src/session/a.ts', `// Hot path: x\n\nfunction a() {\n    ${statement}\n}\n`)).toEqual(fault)
      expect(check('src/session/a.ts', `class A {\n  b(): void {\n    ${statement}\n  }\n}\n`)).toEqual([])
    }
  })
})

describe('checkArchitecture accepts', () => {
  test('imports from rooms below, from the common rooms and of types of the configuration', () => {
    const text = [
      "import { a } from '../store/a.ts'",
      "import { b } from '../router/b.ts'",
      "import { c } from './c.ts'",
      "import { d } from '../protocol/d.ts'",
      "import { e } from '../observe/e.ts'",
      "import { HubbubError } from '../base/errors.ts'",
      "import type { Config } from '../config/config.ts'",
      "import { createServer } from 'node:net'",
    ].join('\n')
    expect(check('src/session/a.ts', text)).toEqual([])
  })

  test('rules named in comments and strings', () => {
    const text =
      "// import a from '../hub.ts'\n/* process.exit(1) */ const a = 'export default `${process.env}`' + /process.exit'/.source\n"
    expect(check('src/session/a.ts', text)).toEqual([])
  })

  test('types of functions, constructors and what is outside of functions in a hot path', () => {
    const text = [
      '// Hot path: x',
      'const LIST = [1, 2].map((n) => n + 1)',
      'type Handler = (a: number) => void',
      'class A {',
      '  readonly #b: (c: number) => void',
      '  constructor(b: B) {',
      '    this.#b = (c) => this.d(c)',
      '  }',
      '  d(e: (f: string) => void): void {',
      '    const g: (h: number) => void = this.#b',
      '    g(1)',
      '  }',
      '}',
    ].join('\n')
    expect(check('src/session/a.ts', text)).toEqual([])
  })
})

function check(path: string, text: string): string[] {
  return checkArchitecture(new Map([[path, text]]))
}

function readRepository(): Map<string, string> {
  const root = new URL('../../..', import.meta.url).pathname
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !path.includes('node_modules'))
      .map((path) => `${folder}/${path}`),
  )
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}
