import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Workshop } from './workshop.ts'

/** Mounts a file system of its own in the workshop; gives the reason when that cannot be done here. */
export function mountSmallDisk(
  workshop: Workshop,
  megabytes: number,
): { readonly folder: string } | { readonly whyNot: string } {
  if (process.platform !== 'linux') return { whyNot: `it mounts a tmpfs, and this is ${process.platform}` }
  if (process.getuid?.() !== 0) return { whyNot: 'it mounts a tmpfs, which needs root' }
  const folder = join(workshop.folder, 'small')
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'hubbub-torture', folder], { stdio: 'pipe' })
  } catch (error) {
    return { whyNot: `mounting a tmpfs failed: ${error instanceof Error ? error.message : String(error)}` }
  }
  workshop.onClose(() => execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' }))
  return { folder }
}
