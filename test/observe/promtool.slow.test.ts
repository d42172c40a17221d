import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { requireTool } from '../support/debian-tools.ts'
import { startProcess } from '../support/processes.ts'
import { startHub } from '../support/start-hub.ts'
import { join, message, publish } from '../support/steps.ts'

/** What promtool has to say about a scrape; nothing is good. */
async function check(body: string): Promise<string[]> {
  const promtool = await startProcess(requireTool('promtool'), ['check', 'metrics'])
  promtool.endInput(body)
  const { code } = await promtool.untilExit()
  return [...promtool.stdout.items, ...promtool.stderr.items, ...(code === 0 ? [] : [`exit code ${code}`])]
}

test('promtool finds nothing wrong with the metrics of a hub', async () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'hubbub-promtool-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { hub, port } = await startHub({ config: { data: folder } })
  const client = await join(port, 'a')
  await client.subscribe(['t', 0])
  await publish(client, message('t'))
  // A batch of the store is written for it.
  await hub.publish('kept', 'x', { retain: true })
  const { body } = await hub.metrics.scrape()
  expect(await check(body)).toEqual([])
})

test('promtool finds what is wrong', async () => {
  const { hub } = await startHub()
  const { body } = await hub.metrics.scrape()
  const nameless = body.replaceAll('hubbub_messages_delivered_total', 'hubbub_messages_delivered')
  expect(await check(nameless)).not.toEqual([])
})
