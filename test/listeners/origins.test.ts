import { expect, test } from 'vitest'
import { compileOrigins } from '../../src/listeners/origins.ts'

const HOST = '127.0.0.1:8080'

test('compileOrigins lets in whoever names no origin, as programs do', () => {
  expect(compileOrigins([], 'http')(undefined, HOST)).toBe(true)
})

test('compileOrigins lets in pages of the hub itself, reached by an address or as localhost', () => {
  const mayConnect = compileOrigins([], 'http')
  expect(mayConnect('http://127.0.0.1:8080', '127.0.0.1:8080')).toBe(true)
  expect(mayConnect('http://192.168.1.7:8080', '192.168.1.7:8080')).toBe(true)
  expect(mayConnect('http://[::1]:8080', '[::1]:8080')).toBe(true)
  expect(mayConnect('http://localhost:8080', 'localhost:8080')).toBe(true)
  expect(mayConnect('http://localhost', 'LOCALHOST')).toBe(true)
})

test('compileOrigins keeps out a name that resolves to the hub, unless it is listed', () => {
  const origin = 'http://rebound.example:8080'
  expect(compileOrigins([], 'http')(origin, 'rebound.example:8080')).toBe(false)
  expect(compileOrigins([origin], 'http')(origin, 'rebound.example:8080')).toBe(true)
  expect(compileOrigins([], 'http')('http://localhost.example', 'localhost.example')).toBe(false)
  expect(compileOrigins([], 'http')('http://127.0.0.1.example', '127.0.0.1.example')).toBe(false)
})

test('compileOrigins keeps out pages of other hosts, ports and schemes', () => {
  const mayConnect = compileOrigins([], 'http')
  expect(mayConnect('http://evil.example', HOST)).toBe(false)
  expect(mayConnect('http://127.0.0.1:3000', HOST)).toBe(false)
  expect(mayConnect('https://127.0.0.1:8080', HOST)).toBe(false)
  expect(mayConnect('http://127.0.0.1:8080', undefined)).toBe(false)
  expect(mayConnect('null', HOST)).toBe(false)
  expect(mayConnect('', HOST)).toBe(false)
  expect(mayConnect('http://[', '[')).toBe(false)
})

test('compileOrigins lets in listed origins exactly, whatever the case or a slash at the end', () => {
  const mayConnect = compileOrigins(['https://Panel.example/', 'null'], 'http')
  expect(mayConnect('https://panel.example', HOST)).toBe(true)
  expect(mayConnect('https://PANEL.example', HOST)).toBe(true)
  expect(mayConnect('null', HOST)).toBe(true)
  expect(mayConnect('http://panel.example', HOST)).toBe(false)
  expect(mayConnect('https://panel.example:8443', HOST)).toBe(false)
  expect(mayConnect('https://panel.example.evil.example', HOST)).toBe(false)
})

test('compileOrigins lets all in where the list has "*"', () => {
  const mayConnect = compileOrigins(['https://panel.example', '*'], 'http')
  expect(mayConnect('http://evil.example', HOST)).toBe(true)
  expect(mayConnect('null', undefined)).toBe(true)
})
