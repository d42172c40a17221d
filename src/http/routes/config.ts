import { HubbubError } from '../../base/errors.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem } from '../problem.ts'
import { reloadConfig } from '../schemas/config.ts'

/** `config/reload`: a configuration that has changed is taken over. */
export function configRoute(app: Api, { onReload }: Pick<ApiParts, 'onReload'>): void {
  app.route({
    ...reloadConfig,
    handler: async () => {
      if (onReload === undefined) {
        throw new HttpProblem(
          'conflict',
          'The program that embeds the hub has its configuration, and does not read it again.',
        )
      }
      try {
        const { applied, needRestart } = await onReload()
        return { applied: [...applied], needRestart: [...needRestart] }
      } catch (error) {
        if (!(error instanceof HubbubError)) throw error
        throw new HttpProblem('conflict', `The configuration has mistakes, and nothing has changed. ${error.message}`)
      }
    },
  })
}
