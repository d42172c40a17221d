import { Type } from 'typebox'
import { answers, route } from './route.ts'

const Keys = Type.Array(Type.String({ description: 'The key of an option, such as `limits.maxConnections`.' }))

export const reloadConfig = route('POST', '/config/reload', 'admin', {
  summary: 'Read the configuration, users and certificates again, and take over what can change while the hub runs',
  tags: ['config'],
  response: answers(
    'What has changed. With a mistake in the configuration nothing has, and the answer is 409.',
    Type.Object({ applied: Keys, needRestart: Keys }),
  ),
})
