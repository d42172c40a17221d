import { fileURLToPath } from 'node:url'
import { defineConfig, type BuildOptions } from 'vite'

/** What stays a package of its own: it brings native code, or files that it serves. */
const PACKAGES = ['lmdb', '@fastify/swagger', '@fastify/swagger-ui']

const OUTPUT = { chunkFileNames: '[name].js' }

/*
 * The programs that the build makes, each with the packages it uses: loading a thousand files one by one would take most of the
 * time that a start has. `vite build --mode hub` empties `dist/hub` and makes the hub, whose types `tsc -p src` then writes beside it.
 */
const PROGRAMS: Readonly<Record<string, BuildOptions>> = {
  hub: {
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      input: { main: 'src/cli/main.ts', index: 'src/index.ts', 'hash-worker': 'src/auth/passwords/hash-worker.ts' },
      output: OUTPUT,
    },
  },
  devices: {
    rolldownOptions: { input: { start: 'devices/start.ts', cli: 'devices/cli.ts' }, output: OUTPUT },
  },
}

// oxlint-disable-next-line import/no-default-export -- Vite reads the default export
export default defineConfig(({ mode }) => ({
  root: fileURLToPath(new URL('.', import.meta.url)),
  publicDir: false,
  build: {
    ssr: true,
    target: 'node20.19',
    outDir: `dist/${mode}`,
    // A stack trace that somebody sends has names in it.
    minify: false,
    ...PROGRAMS[mode],
  },
  ssr: { noExternal: true, external: PACKAGES },
}))
