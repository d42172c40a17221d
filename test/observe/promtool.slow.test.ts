import { expect, test } from 'vitest'
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
  const { hub, port } = await startHub()
  const client = await join(port, 'a')
  await client.subscribe(['t', 0])
  await publish(client, message('t'))
  hub.metrics.observeDelivery(0, 1)
  hub.metrics.batchWritten(0.001, 10)
  const { body } = await hub.metrics.scrape()
  expect(await check(body)).toEqual([])
})

test('promtool finds what is wrong', async () => {
  const { hub } = await startHub()
  const { body } = await hub.metrics.scrape()
  const nameless = body.replaceAll('hubbub_messages_delivered_total', 'hubbub_messages_delivered')
  expect(await check(nameless)).not.toEqual([])
})
