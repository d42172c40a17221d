import { startHubWithHttp } from '../support/start-hub.ts'
import { describeRuns } from './runs.ts'

describeRuns('the hub', async () => {
  const { port, httpPort } = await startHubWithHttp()
  return { url: new URL(`mqtt://127.0.0.1:${port}`), webSocketUrl: new URL(`ws://127.0.0.1:${httpPort}/mqtt`) }
})
