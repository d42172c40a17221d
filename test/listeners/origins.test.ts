import { expect, test } from 'vitest'
import { compileOrigins } from '../../src/listeners/origins.ts'

const HOST = { host: '127.0.0.1:8080' }

test('compileOrigins lets in whoever names no origin, as programs do', () => {
  expect(compileOrigins([])(undefined, HOST)).toBe(true)
})

test('compileOrigins lets in pages of the hub itself, reached by an address or as localhost', () => {
  const mayConnect = compileOrigins([])
  expect(mayConnect('http://127.0.0.1:8080', { host: '127.0.0.1:8080' })).toBe(true)
  expect(mayConnect('http://192.168.1.7:8080', { host: '192.168.1.7:8080' })).toBe(true)
  expect(mayConnect('http://[::1]:8080', { host: '[::1]:8080' })).toBe(true)
  expect(mayConnect('http://localhost:8080', { host: 'localhost:8080' })).toBe(true)
  expect(mayConnect('http://localhost', { host: 'LOCALHOST' })).toBe(true)
})

test('compileOrigins keeps out a name that resolves to the hub, unless it is listed', () => {
  const origin = 'http://rebound.example:8080'
  expect(compileOrigins([])(origin, { host: 'rebound.example:8080' })).toBe(false)
  expect(compileOrigins([origin])(origin, { host: 'rebound.example:8080' })).toBe(true)
  expect(compileOrigins([])('http://localhost.example', { host: 'localhost.example' })).toBe(false)
  expect(compileOrigins([])('http://127.0.0.1.example', { host: '127.0.0.1.example' })).toBe(false)
})

test('compileOrigins keeps out pages of other hosts and ports, and of no web server', () => {
  const mayConnect = compileOrigins([])
  expect(mayConnect('http://evil.example', HOST)).toBe(false)
  expect(mayConnect('http://127.0.0.1:3000', HOST)).toBe(false)
  expect(mayConnect('http://127.0.0.1:8080', {})).toBe(false)
  expect(mayConnect('null', HOST)).toBe(false)
  expect(mayConnect('', HOST)).toBe(false)
  expect(mayConnect('http://[', { host: '[' })).toBe(false)
})

test('compileOrigins lets in listed origins exactly, whatever the case or a slash at the end', () => {
  const mayConnect = compileOrigins(['https://Panel.example/', 'null'])
  expect(mayConnect('https://panel.example', HOST)).toBe(true)
  expect(mayConnect('https://PANEL.example', HOST)).toBe(true)
  expect(mayConnect('null', HOST)).toBe(true)
  expect(mayConnect('http://panel.example', HOST)).toBe(false)
  expect(mayConnect('https://panel.example:8443', HOST)).toBe(false)
  expect(mayConnect('https://panel.example.evil.example', HOST)).toBe(false)
})

test('compileOrigins lets all in where the list has "*"', () => {
  const mayConnect = compileOrigins(['https://panel.example', '*'])
  expect(mayConnect('http://evil.example', HOST)).toBe(true)
  expect(mayConnect('null', {})).toBe(true)
})

test('compileOrigins takes the hub by either scheme, as paho-mqtt 1.6 says https of a plain connection', () => {
  const mayConnect = compileOrigins([])
  expect(mayConnect('https://127.0.0.1:8080', HOST)).toBe(true)
  expect(mayConnect('https://pi.local', { host: 'pi.local' })).toBe(true)
  expect(mayConnect('ftp://127.0.0.1:8080', HOST)).toBe(false)
  expect(mayConnect('https://rebound.example', { host: 'rebound.example' })).toBe(false)
})

test('compileOrigins takes pages of the proxy before the hub, by the private name that it was asked for', () => {
  const mayConnect = compileOrigins([])
  expect(mayConnect('https://pi.local', { ...HOST, 'x-forwarded-host': 'pi.local' })).toBe(true)
  expect(mayConnect('https://pi.local', { ...HOST, 'x-forwarded-host': 'pi.local, inner.local' })).toBe(true)
  expect(mayConnect('https://evil.example', { ...HOST, 'x-forwarded-host': 'pi.local' })).toBe(false)
  // A public name has to be listed.
  expect(mayConnect('https://hub.example', { ...HOST, 'x-forwarded-host': 'hub.example' })).toBe(false)
})

test.each(['null', 'file://', 'capacitor://localhost', 'ionic://localhost'])(
  'compileOrigins lets in %s when it is listed',
  (origin) => {
    expect(compileOrigins([])(origin, HOST)).toBe(false)
    expect(compileOrigins([origin])(origin, HOST)).toBe(true)
  },
)
