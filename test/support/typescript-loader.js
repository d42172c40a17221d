import { register } from 'node:module'

/* Loaded into each process of the tests: lets Node itself read TypeScript, as in the threads that the hub starts. */
register('./typescript-hooks.js', import.meta.url)
