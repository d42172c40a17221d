import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const SKETCH = readFileSync(new URL('../../examples/arduino/arduino.ino', import.meta.url), 'utf8')
const HEADERS = fileURLToPath(new URL('arduino-headers', import.meta.url))

const run = promisify(execFile)

/** Has g++ read a sketch against the declarations of its libraries, in the language of the ESP32 core; rejects with what it says. */
async function compile(sketch: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-sketch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sketch.ino')
  writeFileSync(file, sketch)
  const flags = ['-std=gnu++17', '-fsyntax-only', '-Wall', '-Wextra', '-Werror', `-I${HEADERS}`]
  // The Arduino IDE puts Arduino.h first.
  await run('g++', [...flags, '-include', 'Arduino.h', '-x', 'c++', file])
}

test('The Arduino sketch compiles with the declarations of its libraries, and a wrong one does not', async () => {
  await compile(SKETCH)
  await expect(compile(SKETCH.replace('client.setKeepAlive(30)', 'client.setKeepAlive("30")'))).rejects.toThrow(
    /setKeepAlive/,
  )
  await expect(compile(SKETCH.replace('client.onConnect(onConnect)', 'client.onConnect(onMessage)'))).rejects.toThrow(
    /OnConnectCallback/,
  )
})

test('Each JSON that the Arduino sketch says is one, and fits its buffer', () => {
  const literals = [...SKETCH.matchAll(/"(\{(?:\\.|[^"\\])*)"/g)].map(([, text = '']) => text.replaceAll('\\"', '"'))
  expect(literals.length).toBeGreaterThan(5)
  for (const literal of literals) {
    const longest = literal.replaceAll('%lu', '4294967295').replaceAll('%d', '-127').replaceAll('%.1f', '-100.5')
    expect(JSON.parse(longest)).toEqual(expect.any(Object))
    if (literal.includes('%')) expect(longest.length).toBeLessThan(96)
  }
})
