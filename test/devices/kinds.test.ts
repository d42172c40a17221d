import { startHubWithHttp } from '../support/start-hub.ts'
import { describeKinds } from './kinds.ts'

describeKinds('the hub', async () => {
  const { port, httpPort } = await startHubWithHttp()
  return {
    url: new URL(`mqtt://127.0.0.1:${port}`),
    webSocketUrl: new URL(`ws://127.0.0.1:${httpPort}/mqtt`),
  }
})
