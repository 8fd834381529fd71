// What every log says of topics that are missing and may not be made.

import { HbError } from '../std/errors.ts'
import type { TopicSpec } from './port.ts'

export function absent(missing: readonly TopicSpec[]): HbError {
  return new HbError('log-topic-unknown', missing.map(({ name }) => name).join(', '))
}
