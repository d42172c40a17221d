import { expect, test } from 'vitest'
import { ApiClient } from '../support/api.ts'
import { join } from '../support/steps.ts'
import { startHubWithHttp } from '../support/start-hub.ts'

const TEXT = 'two clients use one client identifier and end each other'

test('Two clients with one client identifier that end each other are told of once, with both addresses', async () => {
  const { log, port, httpPort } = await startHubWithHttp()
  await join(port, 'another')
  for (let i = 0; i < 30; i++) await join(port, 'twin')
  const told = log.lines.items.filter(({ text }) => text === TEXT)
  expect(told).toMatchObject([{ level: 'warn', fields: { clientId: 'twin', addresses: expect.any(Array) } }])
  const { body } = await new ApiClient(httpPort).get('/mishaps')
  expect(body).toMatchObject({
    mishaps: [
      {
        kind: 'identifier-shared',
        clientId: 'twin',
        reason: expect.stringMatching(
          /^two clients use the identifier "twin", from 127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+$/,
        ),
      },
    ],
  })
})

test('A client that comes back while its older connection is still there is no such case', async () => {
  const { log, port } = await startHubWithHttp()
  for (let i = 0; i < 5; i++) await join(port, 'back')
  expect(log.lines.items.filter(({ text }) => text === TEXT)).toEqual([])
})
