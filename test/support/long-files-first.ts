import { createHash } from 'node:crypto'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Puts files in an order in which no core waits at the end for one file that began late: projects as the configuration has
 * them, and of each first the files that it names with `isLong`. Files of a project stay together, so that a worker that is
 * not isolated is kept for them. Otherwise the order is that of the run's seed: any has to do.
 */
export function longFilesFirst(
  projects: readonly string[],
  isLong: (path: string) => boolean,
): new (...args: ConstructorParameters<typeof BaseSequencer>) => BaseSequencer {
  return class LongFilesFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const { seed } = this.ctx.config.sequence
      const places = new Map(files.map((file) => [file, placeOf(file, seed)]))
      return files.toSorted((one, other) => ((places.get(one) ?? '') < (places.get(other) ?? '') ? -1 : 1))
    }
  }

  function placeOf({ project, moduleId }: TestSpecification, seed: number): string {
    const chance = createHash('sha1').update(`${seed} ${moduleId}`).digest('hex')
    return [projects.indexOf(project.name), isLong(moduleId) ? 0 : 1, chance].join(' ')
  }
}
