import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startProcess } from './support/processes.ts'

const PROGRAM = `
  import { createHub, HubbubError } from 'hubbub'
  const hub = await createHub({ config: { port: 0, httpPort: 0, data: 'memory', logLevel: 'silent' } })
  hub.subscribe('greeting', ({ topic, payload }) => console.log('got', topic, payload.toString()))
  console.log('for', await hub.publish('greeting', 'hello'))
  try { await hub.publish('#', '') } catch (error) { console.log(error instanceof HubbubError, error.code) }
  await hub.stop()
`

test('The package "hubbub", as built, gives a program createHub, and lets it end once the hub is stopped', async () => {
  const program = await startProcess(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  })
  const { code } = await program.untilExit()
  expect(program.stderr.items).toEqual([])
  expect(program.stdout.items).toEqual(['got greeting hello', 'for { matched: 1 }', 'true TOPIC_NAME_INVALID'])
  expect(code).toBe(0)
})
