import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { INSTALL_TIMEOUT_MS } from '../support/npm-package.ts'
import { generateReference, type Reference } from './reference.ts'
import { ROOT } from './pages.ts'

describe('docs/reference.md', () => {
  let reference: Reference

  beforeAll(async () => {
    reference = await generateReference()
  }, INSTALL_TIMEOUT_MS)

  test('is what "npm run reference" makes of the source', async () => {
    await expect(reference.text).toMatchFileSnapshot(join(ROOT, 'docs/reference.md'))
  })

  test('names no type that a program cannot import, but for tables that names are taken from', () => {
    expect(reference.missing).toEqual([
      'DROP_REASONS of DropReason',
      'ERROR_KINDS of ErrorCode',
      'InputOf of PartialConfig',
      'Key of PartialConfig',
      'LIMITS of LimitName',
      'Name of PartialConfig',
      'Row of PartialConfig',
      'Section of PartialConfig',
      'TOLERATED of ToleratedFault',
      'TopLevel of PartialConfig',
    ])
  })
})
