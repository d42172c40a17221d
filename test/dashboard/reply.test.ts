import { expect, test } from 'vitest'
import { refusalIn } from '../../dashboard/worker/reply.ts'

test.each([
  ['{"ok":false,"error":{"code":"PARAMETERS_INVALID","message":"too bright"}}', 'PARAMETERS_INVALID', 'too bright'],
  ['{"ok":false,"error":"window is open"}', undefined, 'window is open'],
  ['{"ok":false,"reason":"asleep","correlationData":"x"}', undefined, 'asleep'],
  ['{"ok":false}', undefined, undefined],
  ['{"success":false,"message":"no"}', undefined, 'no'],
  ['{"data":{},"status":"error","error":"Device does not exist"}', undefined, 'Device does not exist'],
  ['{"status":"Failed","code":7}', '7', undefined],
  ['{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}', '-32601', 'Method not found'],
  ['{"error":true,"description":"jammed"}', undefined, 'jammed'],
])('refusalIn finds a no, its code and its words in %s', (reply, code, message) => {
  expect(refusalIn(reply)).toEqual({ code, message })
})

test.each([
  '{"ok":true,"result":{"status":"error"}}',
  '{"ok":true,"error":"none"}',
  '{"error":null}',
  '{"error":""}',
  '{"status":"ok"}',
  '{"status":4}',
  '{"result":false}',
  '[{"ok":false}]',
  '"error"',
  'error: it is no JSON',
  '',
])('refusalIn takes %j for no refusal', (reply) => {
  expect(refusalIn(reply)).toBe(undefined)
})

test('refusalIn shows signs for what cannot be seen, and the start of long words', () => {
  expect(refusalIn('{"ok":false,"error":"\\u001b[31mred"}')?.message).toBe('␛[31mred')
  expect(refusalIn(JSON.stringify({ ok: false, error: 'x'.repeat(5000) }))?.message).toBe(`${'x'.repeat(300)}…`)
})
