// Bad histories of what may pile up on a host (../queues.ts).

import type { Plants } from './plant.ts'

export const QUEUE_PLANTS: Plants = {
  'two appends under way to one partition of the log': {
    breaks: 'queues-bounded',
    tape: (good) => {
      return good.followed({ type: 'high', host: 'node-0.0', gauge: 'hb.log 0', value: 2 })
    },
  },
  'something that has no bound': {
    breaks: 'queues-bounded',
    tape: (good) => {
      return good.followed({ type: 'high', host: 'node-0.0', gauge: 'callers', value: 1 })
    },
  },
}
