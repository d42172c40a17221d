import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, request } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { startHubWithHttp } from '../support/start-hub.ts'
import { connectClient } from './mqtt.ts'

/** A certificate for 127.0.0.1 that nobody knows. */
function makeCertificate(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-certificate-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

/** A reverse proxy that hands everything on as it is, as nginx does with `proxy_pass` and the three lines for WebSockets. */
async function startProxy(port: number, hubHttpPort: number, isSecure: boolean): Promise<void> {
  const server = isSecure ? createHttpsServer(makeCertificate()) : createHttpServer()
  const sockets = new Set<Socket>()
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  server.on('request', (incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const onward = request({ host: '127.0.0.1', port: hubHttpPort, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    outgoing.on('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  server.on('upgrade', (incoming, client: Socket, head: Buffer) => {
    const hub = connect({ host: '127.0.0.1', port: hubHttpPort })
    for (const socket of [client, hub]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    const lines = incoming.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : [],
    )
    hub.write([`GET ${incoming.url} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
    hub.write(head)
    hub.pipe(client).pipe(hub)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

describe.each([{ scheme: 'http' }, { scheme: 'https' }])(
  'Behind a reverse proxy with $scheme and a path of its own',
  ({ scheme }) => {
    test('the page loads, connects and chats, and its policy is kept', async () => {
      const proxyPort = await freePort()
      // The hub does not know that TLS ends before it: where the page comes from then has to be listed.
      const origins = scheme === 'https' ? [`https://127.0.0.1:${proxyPort}`] : []
      const { port, httpPort } = await startHubWithHttp({
        config: { http: { basePath: '/hub' }, websocket: { origins } },
      })
      await startProxy(proxyPort, httpPort, scheme === 'https')
      const browser = await launchChromium()
      onTestFinished(() => browser.close())
      const page = await browser.newPage({ ignoreHTTPSErrors: true, locale: 'en' })
      const complaints: string[] = []
      page.on('pageerror', ({ message }) => complaints.push(message))
      page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()))
      const answer = await page.goto(`${scheme}://127.0.0.1:${proxyPort}/hub/#/room/lobby`)
      expect(answer?.headers()['content-security-policy']).toContain("default-src 'self'")
      await page.locator('[data-link="online"]').waitFor()
      const anna = await connectClient(port, 'anna')
      await anna.subscribeAsync('chat/lobby', { qos: 1 })
      await anna.publishAsync('chat/lobby', 'through the wall', { qos: 1 })
      await page.locator('.message', { hasText: 'through the wall' }).waitFor()
      await page.getByRole('textbox', { name: 'Message' }).fill('and back')
      await page.keyboard.press('Enter')
      await page.locator('[data-tick="delivered"]').waitFor()
      await page.locator('.line[data-id="room/lobby"]', { hasText: 'and back' }).waitFor()
      await page.goto(`${scheme}://127.0.0.1:${proxyPort}/hub/#/overview`)
      await page.locator('.chart canvas').first().waitFor()
      expect(complaints).toEqual([])
    })
  },
)
