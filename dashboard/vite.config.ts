import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { precompress } from './precompress.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

// oxlint-disable-next-line import/no-default-export -- Vite reads the default export
export default defineConfig({
  root: HERE,
  // Relative, so that the page works under any base path.
  base: './',
  publicDir: false,
  build: {
    outDir: '../dist/dashboard',
    emptyOutDir: true,
    target: 'es2023',
    // The first that know `light-dark()`.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    // A `data:` address is not allowed by the page's Content-Security-Policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    license: { fileName: 'licenses.md' },
  },
  worker: { format: 'es' },
  plugins: [precompress()],
})
